"""Names of MiniGPT-4's and BLIP-2's tensors, and what they are called here (transformers' names within each part)."""

from __future__ import annotations

import re
from collections.abc import Mapping

import torch
from torch import Tensor

from pipeline.errors import JobError, listed
from pipeline.parts import LLM, QFORMER, VISION

PARTS = (VISION, QFORMER, LLM)

# MiniGPT-4's name of a tensor -> part and name here. The first pattern that matches the whole name decides.
_ORIGINAL: tuple[tuple[str, str, str], ...] = (
    (r"ln_vision\.(\w+)", VISION, r"post_layernorm.\1"),
    (r"visual_encoder\.cls_token", VISION, "embeddings.class_embedding"),
    (r"visual_encoder\.pos_embed", VISION, "embeddings.position_embedding"),
    (r"visual_encoder\.patch_embed\.proj\.(\w+)", VISION, r"embeddings.patch_embedding.\1"),
    (r"visual_encoder\.blocks\.(\d+)\.norm([12])\.(\w+)", VISION, r"encoder.layers.\1.layer_norm\2.\3"),
    (r"visual_encoder\.blocks\.(\d+)\.mlp\.(fc[12])\.(\w+)", VISION, r"encoder.layers.\1.mlp.\2.\3"),
    (r"visual_encoder\.blocks\.(\d+)\.attn\.proj\.(\w+)", VISION, r"encoder.layers.\1.self_attn.projection.\2"),
    (r"visual_encoder\.blocks\.(\d+)\.attn\.qkv\.weight", VISION, r"encoder.layers.\1.self_attn.qkv.weight"),
    (r"visual_encoder\.blocks\.(\d+)\.attn\.([qv])_bias", VISION, r"encoder.layers.\1.self_attn.\2_bias"),
    (r"query_tokens", QFORMER, "query_tokens"),
    (r"Qformer\.bert\.embeddings\.LayerNorm\.(\w+)", QFORMER, r"bert.layernorm.\1"),
    (r"Qformer\.bert\.encoder\.layer\.(\d+)\.(cross)?attention\.self\.(.+)", QFORMER,
     r"bert.encoder.layer.\1.\2attention.attention.\3"),
    (r"Qformer\.bert\.encoder\.layer\.(\d+)\.(.*attention\.output\..+|(?:intermediate|output)_query\..+)", QFORMER,
     r"bert.encoder.layer.\1.\2"),
    (r"llama_model\.(.+)", LLM, r"\1"),
)  # fmt: skip

# What the original files hold and the original model throws away on load: the Q-Former's text half, other heads,
# the tower's last block and head, rotary tables that are computed.
_UNUSED = re.compile(
    r"Qformer\.cls\..*|Qformer\.bert\.embeddings\.(word|position)_\w+(\.\w+)?|Qformer\.bert\.pooler\..*"
    r"|Qformer\.bert\.encoder\.layer\.\d+\.(intermediate|output)\..*"
    r"|(t5_proj|opt_proj|vision_proj|text_proj|itm_head)\..*|temp"
    r"|llama_model\.model\.layers\.\d+\.self_attn\.rotary_emb\.inv_freq"
)


def from_original(tensors: Mapping[str, Tensor], source: str) -> dict[str, dict[str, Tensor]]:
    """Tensors under MiniGPT-4's names -> for each part the tensors under ours.

    Raises JobError that lists the names which belong to no part.
    """
    parts: dict[str, dict[str, Tensor]] = {part: {} for part in PARTS}
    unknown = []
    for name, value in tensors.items():
        if _UNUSED.fullmatch(name):
            continue
        for pattern, part, ours in _ORIGINAL:
            if re.fullmatch(pattern, name):
                parts[part][re.sub(pattern, ours, name)] = value
                break
        else:
            unknown.append(name)
    if unknown:
        raise JobError(f"{source} holds tensors that are not MiniGPT-4's; left over: {listed(sorted(unknown))}")
    _join_biases(parts[VISION])
    return parts


def _join_biases(vision: dict[str, Tensor]) -> None:
    """EVA's attention has a bias for queries and values, none for keys; transformers wants all three in one."""
    for name in [name for name in vision if name.endswith(".q_bias")]:
        stem = name.removesuffix("q_bias")
        if stem + "v_bias" in vision:
            query, value = vision.pop(name), vision.pop(stem + "v_bias")
            vision[stem + "qkv.bias"] = torch.cat([query, torch.zeros_like(value), value])


def from_blip2(tensors: Mapping[str, Tensor]) -> dict[str, dict[str, Tensor]]:
    """Tensors of a BLIP-2 folder of transformers -> the tower's and the Q-Former's; its language model is not ours."""
    parts: dict[str, dict[str, Tensor]] = {part: {} for part in PARTS}
    for name, value in tensors.items():
        if name.startswith("vision_model."):
            parts[VISION][name.removeprefix("vision_model.")] = value
        elif name.startswith("qformer."):
            parts[QFORMER]["bert." + name.removeprefix("qformer.")] = value
        elif name == "query_tokens":
            parts[QFORMER][name] = value
    return parts
