"""python -m pipeline.convert --blip2 Salesforce/blip2-flan-t5-xxl@REVISION --llm FOLDER --projection FILE.pth --out DIR

Turn published MiniGPT-4 weights into a checkpoint of pairmill. The tower and the Q-Former come from a BLIP-2 folder
(or OWNER/NAME@REVISION of the Hub), the language model from a folder or the Hub, the projection from MiniGPT-4's own
.pth. Weights under their original names come with --frozen, and with --dims where they are not of the published size.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from transformers import (
    Blip2QFormerConfig,
    Blip2VisionConfig,
    LlamaConfig,
    LlamaForCausalLM,
    PreTrainedConfig,
    PreTrainedModel,
)
from transformers.utils import logging

from pipeline.checkpoint import fit_tensors
from pipeline.command import Parser, run_command
from pipeline.compose import compose
from pipeline.errors import JobError, UsageError
from pipeline.names import PARTS, from_blip2, from_original
from pipeline.parts import LLM, POST_NORM_EPS, QFORMER, VISION, Parts, QFormer, build_vision, outline_llm
from pipeline.references import fetch, split_reference
from pipeline.tensors import read_blip2, read_tensors
from pipeline.vlm import VisionLanguageConfig, VisionLanguageModel

CLIP_MEAN = (0.48145466, 0.4578275, 0.40821073)
CLIP_STD = (0.26862954, 0.26130258, 0.27577711)
SIZES = {4096: "7B", 5120: "13B"}  # LLaMA's, by the width of the language model


def vision_config(dims: dict[str, Any] | None = None) -> Blip2VisionConfig:
    """BLIP-2's ViT-g/14 without its last block (39 of them), or a tower of other dimensions."""
    dims = dims or {}
    return Blip2VisionConfig(
        hidden_size=dims.get("hidden_size", 1408),
        intermediate_size=dims.get("mlp_hidden", 6144),
        num_hidden_layers=dims.get("depth", 39),
        num_attention_heads=dims.get("num_heads", 16),
        image_size=dims.get("image_size", 224),
        patch_size=dims.get("patch_size", 14),
        layer_norm_eps=dims.get("block_layer_norm_eps", 1e-6),
        post_layer_norm_eps=dims.get("ln_vision_eps", POST_NORM_EPS),  # type: ignore[call-arg]  # ours, kept with it
    )


def qformer_config(dims: dict[str, Any] | None = None, *, vision_width: int = 1408) -> Blip2QFormerConfig:
    """BLIP-2's Q-Former: BERT-base with 32 queries and cross-attention in every second layer, or another."""
    dims = dims or {}
    return Blip2QFormerConfig(
        hidden_size=dims.get("hidden_size", 768),
        intermediate_size=dims.get("intermediate_size", 3072),
        num_hidden_layers=dims.get("layers", 12),
        num_attention_heads=dims.get("heads", 12),
        cross_attention_frequency=dims.get("cross_attention_frequency", 2),
        layer_norm_eps=dims.get("layer_norm_eps", 1e-12),
        encoder_hidden_size=vision_width,
        num_query_tokens=dims.get("num_query_tokens", 32),  # type: ignore[call-arg]  # Blip2Config has it
    )


def llama_config(dims: dict[str, Any]) -> LlamaConfig:
    """A LLaMA of the dimensions that a dims.json gives."""
    return LlamaConfig(
        vocab_size=dims["vocab_size"],
        hidden_size=dims["hidden_size"],
        intermediate_size=dims["intermediate_size"],
        num_hidden_layers=dims["layers"],
        num_attention_heads=dims["heads"],
        rms_norm_eps=dims["rms_norm_eps"],
        bos_token_id=dims["bos"],
        eos_token_id=dims["eos"],
        pad_token_id=dims["pad"],
        tie_word_embeddings=False,
    )


def paper_config(size: str, **variant: Any) -> VisionLanguageConfig:
    """MiniGPT-4 at its published size, "7B" or "13B" (Vicuna v0); `variant` changes fields as the ablation does."""
    width, inner, layers, heads = {"7B": (4096, 11008, 32, 32), "13B": (5120, 13824, 40, 40)}[size]
    fields: dict[str, Any] = {
        "vision_config": vision_config().to_dict(),
        "qformer_config": qformer_config().to_dict(),
        "text_config": LlamaConfig(
            hidden_size=width, intermediate_size=inner, num_hidden_layers=layers, num_attention_heads=heads
        ).to_dict(),
        "vision_tokens": 257,
        "vision_width": 1408,
        "image_mean": CLIP_MEAN,
        "image_std": CLIP_STD,
    }
    return VisionLanguageConfig(**{**fields, **variant})


def fill(model: PreTrainedModel, state: dict[str, Tensor], source: str) -> None:
    """Load `state` into `model`; JobError lists what is missing, left over or of another shape."""
    fit_tensors(state, model.state_dict(), source)
    model.load_state_dict(state, assign=True)
    model.eval().requires_grad_(False)


def blank(build: Any, config: PreTrainedConfig) -> Any:
    """A model whose every parameter waits for a value; what is computed from the config alone is there."""
    with torch.device("meta"):
        return build(config)


def projection_state(path: Path, wanted: dict[str, Tensor]) -> dict[str, Tensor]:
    """The projection of a MiniGPT-4 .pth (`llama_proj.*`), or of a safetensors file with either's names.

    Raises JobError where it is another model's; 7B against 13B is named as such.
    """
    tensors = read_tensors(path)
    names = {name: name.replace("llama_proj.", "projection.") for name in tensors}
    state = {names[name]: value.float() for name, value in tensors.items()}
    weight = state.get("projection.weight")
    if weight is not None and "projection.weight" in wanted and weight.shape != wanted["projection.weight"].shape:
        found, llm = SIZES.get(weight.shape[0]), SIZES.get(wanted["projection.weight"].shape[0])
        if found and llm and found != llm:
            raise JobError(f"{path} is MiniGPT-4 {found}'s projection; the language model is {llm}'s: bring the other")
    fit_tensors(state, wanted, str(path))
    return state


def convert(args: argparse.Namespace) -> VisionLanguageModel:
    """The model that the command line names, with the frozen parts in memory or referred to."""
    dims = json.loads(args.dims.read_text(encoding="utf-8")) if args.dims else {}
    state: dict[str, dict[str, Tensor]] = {part: {} for part in PARTS}
    for path in args.frozen:
        for part, tensors in from_original(read_tensors(path), str(path)).items():
            state[part] |= tensors
    frozen: dict[str, dict[str, str]] = {}
    if args.blip2:
        folder = fetch(split_reference(args.blip2, "--blip2"), ["*.safetensors", "*.bin", "*.json"])
        for part, tensors in from_blip2(read_blip2(folder)).items():
            state[part] |= tensors
    vision = blank(build_vision, vision_config(dims.get(VISION)))
    fill(vision, _some(state[VISION], "vision tower", "--blip2 or --frozen"), _source(args))
    qformer = blank(QFormer, qformer_config(dims.get(QFORMER), vision_width=vision.config.hidden_size))
    fill(qformer, _some(state[QFORMER], "Q-Former", "--blip2 or --frozen"), _source(args))
    tokenizer = None
    if args.llm:
        reference = split_reference(args.llm, "--llm")
        frozen[LLM] = reference
        wanted = ["*.safetensors", "*.json", "tokenizer*"]
        llm, tokenizer = outline_llm(fetch(reference, wanted))
    elif LLM in dims:
        llm = LlamaForCausalLM(llama_config(dims[LLM]))
        fill(llm, _some(state[LLM], "language model", "--llm or --frozen"), _source(args))
    else:
        raise UsageError("no language model: name one with --llm, or give its dimensions in --dims")
    seen = {"image_size": vision.config.image_size, "image_mean": CLIP_MEAN, "image_std": CLIP_STD}
    vlm = compose(Parts(vision, qformer, llm, tokenizer), frozen=frozen, **seen)
    if args.projection:
        vlm.load_state_dict(projection_state(args.projection, vlm.trained_state()), strict=False)
    return vlm


def _some(state: dict[str, Tensor], what: str, flags: str) -> dict[str, Tensor]:
    if not state:
        raise UsageError(f"no {what} among the weights: name it with {flags}")
    return state


def _source(args: argparse.Namespace) -> str:
    return ", ".join(map(str, args.frozen)) or str(args.blip2)


def _run(argv: Sequence[str] | None) -> None:
    parser = Parser(
        prog="python -m pipeline.convert", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--blip2", help="a folder of BLIP-2, or OWNER/NAME@REVISION: the tower and the Q-Former")
    parser.add_argument("--llm", help="a folder of the language model, or OWNER/NAME@REVISION")
    parser.add_argument("--frozen", type=Path, nargs="+", default=[], help="weights under MiniGPT-4's own names")
    parser.add_argument("--dims", type=Path, help="JSON with the dimensions of --frozen, where not the published")
    parser.add_argument("--projection", type=Path, help="MiniGPT-4's .pth with llama_proj; none: drawn at random")
    parser.add_argument("--out", type=Path, required=True, help="the folder of the new checkpoint")
    args = parser.parse_args(argv)
    logging.set_verbosity_error()
    vlm = convert(args)
    vlm.save_pretrained(args.out)
    trained = sum(value.numel() for value in vlm.trained_state().values())
    print(f"convert: wrote {args.out}: {vlm.image_tokens} image tokens, {trained:,} trained parameters")


def main(argv: Sequence[str] | None = None) -> int:
    """Convert; returns the exit code."""
    return run_command(_run, argv)


if __name__ == "__main__":
    raise SystemExit(main())
