"""MiniGPT-4 written out from the papers in plain torch, over weights under the original names: what to agree with.

EVA's ViT (arXiv 2211.07636, pre-norm, no key bias), BLIP-2's Q-Former (2301.12597: a BERT, post-norm), LLaMA
(2302.13971: RMSNorm, rotary positions, SwiGLU). Slow and plain on purpose; it shares no code with the model.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

State = dict[str, Tensor]

DIMS: dict[str, Any] = {
    "vision": {
        "image_size": 28, "patch_size": 7, "hidden_size": 36, "depth": 2, "num_heads": 3, "mlp_hidden": 50,
        "block_layer_norm_eps": 1e-6, "ln_vision_eps": 1e-5,
    },
    "qformer": {
        "hidden_size": 24, "layers": 3, "heads": 3, "intermediate_size": 40, "cross_attention_frequency": 2,
        "num_query_tokens": 5, "layer_norm_eps": 1e-12,
    },
    "llm": {
        "vocab_size": 90, "hidden_size": 32, "intermediate_size": 48, "layers": 3, "heads": 2, "rms_norm_eps": 1e-6,
        "bos": 1, "eos": 2, "pad": 0,
    },
}  # fmt: skip


def random_weights(dims: dict[str, Any], seed: int) -> tuple[State, State]:
    """Weights of every tensor under its original name, wide enough apart to matter; and the projection's."""
    generator = torch.Generator().manual_seed(seed)

    def draw(*shape: int, scale: float = 0.15) -> Tensor:
        return torch.randn(*shape, generator=generator) * scale

    def norm(name: str, width: int) -> State:
        return {f"{name}.weight": 1 + draw(width), f"{name}.bias": draw(width)}

    def linear(name: str, inputs: int, outputs: int) -> State:
        return {f"{name}.weight": draw(outputs, inputs), f"{name}.bias": draw(outputs)}

    v, q, m = dims["vision"], dims["qformer"], dims["llm"]
    width, patches = v["hidden_size"], (v["image_size"] // v["patch_size"]) ** 2
    state = {
        "visual_encoder.cls_token": draw(1, 1, width),
        "visual_encoder.pos_embed": draw(1, patches + 1, width),
        "visual_encoder.patch_embed.proj.weight": draw(width, 3, v["patch_size"], v["patch_size"]),
        "visual_encoder.patch_embed.proj.bias": draw(width),
        "query_tokens": draw(1, q["num_query_tokens"], q["hidden_size"]),
        "llama_model.model.embed_tokens.weight": draw(m["vocab_size"], m["hidden_size"], scale=1.0),
        "llama_model.model.norm.weight": 1 + draw(m["hidden_size"]),
        "llama_model.lm_head.weight": draw(m["vocab_size"], m["hidden_size"]),
    }
    state |= norm("ln_vision", width) | norm("Qformer.bert.embeddings.LayerNorm", q["hidden_size"])
    for i in range(v["depth"]):
        block = f"visual_encoder.blocks.{i}"
        state |= norm(f"{block}.norm1", width) | norm(f"{block}.norm2", width)
        state |= {f"{block}.attn.{name}_bias": draw(width) for name in "qv"}
        state |= {f"{block}.attn.qkv.weight": draw(3 * width, width)} | linear(f"{block}.attn.proj", width, width)
        state |= linear(f"{block}.mlp.fc1", width, v["mlp_hidden"]) | linear(f"{block}.mlp.fc2", v["mlp_hidden"], width)
    for i in range(q["layers"]):
        layer, hidden = f"Qformer.bert.encoder.layer.{i}", q["hidden_size"]
        crossing = ["crossattention"] if i % q["cross_attention_frequency"] == 0 else []
        for kind in ["attention", *crossing]:
            seen = width if kind == "crossattention" else hidden
            state |= linear(f"{layer}.{kind}.self.query", hidden, hidden)
            state |= linear(f"{layer}.{kind}.self.key", seen, hidden) | linear(
                f"{layer}.{kind}.self.value", seen, hidden
            )
            state |= linear(f"{layer}.{kind}.output.dense", hidden, hidden)
            state |= norm(f"{layer}.{kind}.output.LayerNorm", hidden)
        state |= linear(f"{layer}.intermediate_query.dense", hidden, q["intermediate_size"])
        state |= linear(f"{layer}.output_query.dense", q["intermediate_size"], hidden)
        state |= norm(f"{layer}.output_query.LayerNorm", hidden)
    for i in range(m["layers"]):
        layer, hidden, inner = f"llama_model.model.layers.{i}", m["hidden_size"], m["intermediate_size"]
        state |= {f"{layer}.self_attn.{name}_proj.weight": draw(hidden, hidden) for name in "qkvo"}
        state |= {f"{layer}.mlp.{name}_proj.weight": draw(inner, hidden) for name in ("gate", "up")}
        state |= {f"{layer}.mlp.down_proj.weight": draw(hidden, inner)}
        state |= {f"{layer}.{name}_layernorm.weight": 1 + draw(hidden) for name in ("input", "post_attention")}
    return state, linear("llama_proj", q["hidden_size"], m["hidden_size"])


def _linear(w: State, name: str, x: Tensor) -> Tensor:
    return F.linear(x, w[f"{name}.weight"], w.get(f"{name}.bias"))


def _norm(w: State, name: str, x: Tensor, eps: float) -> Tensor:
    return F.layer_norm(x, x.shape[-1:], w[f"{name}.weight"], w[f"{name}.bias"], eps)


def _attend(q: Tensor, k: Tensor, v: Tensor, heads: int, *, causal: bool = False) -> Tensor:
    """[B, T, D] each -> [B, T, D]."""
    q, k, v = (x.unflatten(-1, (heads, -1)).transpose(1, 2) for x in (q, k, v))
    scores = q @ k.transpose(-1, -2) / q.shape[-1] ** 0.5
    if causal:
        scores = scores + torch.full(scores.shape[-2:], -torch.inf).triu(1)
    found: Tensor = (scores.softmax(-1) @ v).transpose(1, 2).flatten(2)
    return found


def vision_states(w: State, dims: dict[str, Any], pixels: Tensor) -> Tensor:
    """[B, 3, S, S] -> [B, 1 + patches, width], after ln_vision."""
    v = dims["vision"]
    patch = "visual_encoder.patch_embed.proj"
    x = F.conv2d(pixels, w[f"{patch}.weight"], w[f"{patch}.bias"], stride=v["patch_size"]).flatten(2).transpose(1, 2)
    x = torch.cat([w["visual_encoder.cls_token"].expand(len(x), -1, -1), x], 1) + w["visual_encoder.pos_embed"]
    for i in range(v["depth"]):
        block = f"visual_encoder.blocks.{i}"
        h = _norm(w, f"{block}.norm1", x, v["block_layer_norm_eps"])
        query, value = w[f"{block}.attn.q_bias"], w[f"{block}.attn.v_bias"]
        qkv = F.linear(h, w[f"{block}.attn.qkv.weight"], torch.cat([query, torch.zeros_like(query), value]))
        queries, keys, values = qkv.chunk(3, -1)
        x = x + _linear(w, f"{block}.attn.proj", _attend(queries, keys, values, v["num_heads"]))
        h = _norm(w, f"{block}.norm2", x, v["block_layer_norm_eps"])
        x = x + _linear(w, f"{block}.mlp.fc2", F.gelu(_linear(w, f"{block}.mlp.fc1", h)))
    return _norm(w, "ln_vision", x, v["ln_vision_eps"])


def query_states(w: State, dims: dict[str, Any], states: Tensor) -> Tensor:
    """[B, P, width] -> [B, queries, hidden]."""
    q = dims["qformer"]
    eps, root = q["layer_norm_eps"], "Qformer.bert.encoder.layer"
    h = _norm(w, "Qformer.bert.embeddings.LayerNorm", w["query_tokens"].expand(len(states), -1, -1), eps)
    for i in range(q["layers"]):
        for kind in ("attention", "crossattention"):
            name = f"{root}.{i}.{kind}"
            if f"{name}.output.dense.weight" in w:
                seen = h if kind == "attention" else states
                key, value = (_linear(w, f"{name}.self.{part}", seen) for part in ("key", "value"))
                found = _attend(_linear(w, f"{name}.self.query", h), key, value, q["heads"])
                h = _norm(w, f"{name}.output.LayerNorm", _linear(w, f"{name}.output.dense", found) + h, eps)
        inner = F.gelu(_linear(w, f"{root}.{i}.intermediate_query.dense", h))
        outer = _linear(w, f"{root}.{i}.output_query.dense", inner)
        h = _norm(w, f"{root}.{i}.output_query.LayerNorm", outer + h, eps)
    return h


def logits(w: State, dims: dict[str, Any], embeds: Tensor) -> Tensor:
    """[B, T, llm_dim] -> [B, T, vocabulary]."""
    m = dims["llm"]
    half = m["hidden_size"] // m["heads"] // 2
    angles = torch.arange(embeds.shape[1])[:, None] * 10000.0 ** (-torch.arange(half) / half)  # [T, half]

    def rotate(x: Tensor) -> Tensor:
        a, b = x.unflatten(-1, (m["heads"], 2, half)).unbind(-2)  # [B, T, heads, half]
        cos, sin = angles.cos()[:, None], angles.sin()[:, None]
        return torch.cat([a * cos - b * sin, b * cos + a * sin], -1).flatten(2)

    def rms(name: str, x: Tensor) -> Tensor:
        scale: Tensor = (x.square().mean(-1, keepdim=True) + m["rms_norm_eps"]).rsqrt()
        return x * scale * w[f"llama_model.{name}.weight"]

    x = embeds
    for i in range(m["layers"]):
        layer = f"llama_model.model.layers.{i}"
        h = rms(f"model.layers.{i}.input_layernorm", x)
        q, k, v = (_linear(w, f"{layer}.self_attn.{name}_proj", h) for name in "qkv")
        x = x + _linear(w, f"{layer}.self_attn.o_proj", _attend(rotate(q), rotate(k), v, m["heads"], causal=True))
        h = rms(f"model.layers.{i}.post_attention_layernorm", x)
        gated = F.silu(_linear(w, f"{layer}.mlp.gate_proj", h)) * _linear(w, f"{layer}.mlp.up_proj", h)
        x = x + _linear(w, f"{layer}.mlp.down_proj", gated)
    return F.linear(rms("model.norm", x), w["llama_model.lm_head.weight"])
