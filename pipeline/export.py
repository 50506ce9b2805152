"""python -m pipeline.export --checkpoint DIR --out DIR

Write a checkpoint, frozen parts and all, as a folder that transformers' `Blip2ForConditionalGeneration` opens without
pairmill. Only BLIP-2's tower with a Q-Former and one linear layer is that model; variants of it are not.

transformers knows one epsilon for all norms of the tower where MiniGPT-4 has two, so image embeddings differ by
rounding (about 1e-5 of their size). Pictures stand where the prompt holds the token of `image_token_index`, one of
them for each query; it is a token that no text has.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor
from transformers import Blip2Config, Blip2ForConditionalGeneration, Blip2VisionConfig, PreTrainedTokenizerBase
from transformers.utils import logging

from pipeline.checkpoint import load_model
from pipeline.command import Parser, run_command
from pipeline.errors import UsageError
from pipeline.parts import save_pixel_format
from pipeline.vlm import VisionLanguageModel


def blip2_of(vlm: VisionLanguageModel) -> Blip2ForConditionalGeneration:
    """The same model in transformers' own class, sharing its tensors. Raises UsageError where it is another model."""
    config = vlm.config
    for wrong, what in (
        (config.vision_config["model_type"] != Blip2VisionConfig.model_type, "its tower is not BLIP-2's"),
        (vlm.qformer is None, "it has no Q-Former"),
        (config.projector_layers != 1, f"it has {config.projector_layers} linear layers"),
    ):
        if wrong:
            raise UsageError(f"this checkpoint is no Blip2ForConditionalGeneration: {what}")
    blip2 = Blip2Config(
        vision_config=config.vision_config,
        qformer_config=config.qformer_config,
        text_config=config.text_config,
        num_query_tokens=vlm.image_tokens,
        image_token_index=_free_token(vlm),
    )
    with torch.device("meta"):
        model = Blip2ForConditionalGeneration(blip2)
    model.language_model = vlm.llm  # as it is, with the tables that it computes from its config
    model.load_state_dict(_tensors(vlm), assign=True, strict=True)
    model.generation_config = vlm.llm.generation_config
    model.eval()
    return model


def _tensors(vlm: VisionLanguageModel) -> dict[str, Tensor]:
    """The model's tensors under Blip2ForConditionalGeneration's names."""
    names = {"vision.": "vision_model.", "qformer.bert.": "qformer.", "projection.": "language_projection."}
    names |= {"qformer.query_tokens": "query_tokens", "llm.": "language_model."}
    found = {}
    for name, value in vlm.state_dict().items():
        prefix = max((prefix for prefix in names if name.startswith(prefix)), key=len)
        found[names[prefix] + name.removeprefix(prefix)] = value
    return found


def _free_token(vlm: VisionLanguageModel) -> int:
    """A token that no text holds: "unknown" where the tokenizer spells every byte, else padding."""
    tokenizer: PreTrainedTokenizerBase | None = vlm.tokenizer  # a model may come without
    unknown = tokenizer.unk_token_id if tokenizer is not None else None
    padding = vlm.llm.config.pad_token_id
    return int(unknown if unknown is not None else padding if padding is not None else 0)


def export(checkpoint: Path, out: Path, dtype: str) -> None:
    """Write `checkpoint` to `out` as transformers' own model, with its tokenizer and the tower's pixel format."""
    vlm = load_model(checkpoint, dtype=dtype)
    blip2_of(vlm).save_pretrained(out)
    if vlm.tokenizer:
        vlm.tokenizer.save_pretrained(out)
    save_pixel_format(out, side=vlm.config.image_size, mean=vlm.config.image_mean, std=vlm.config.image_std)


def _run(argv: Sequence[str] | None) -> None:
    parser = Parser(prog="python -m pipeline.export", description=__doc__)
    parser.add_argument("--checkpoint", type=Path, required=True, help="a checkpoint of pairmill")
    parser.add_argument("--out", type=Path, required=True, help="the folder to write")
    parser.add_argument("--dtype", default="float16", choices=["float32", "float16", "bfloat16"], help="of the LLM")
    args = parser.parse_args(argv)
    logging.set_verbosity_error()
    export(args.checkpoint, args.out, args.dtype)
    print(f"export: wrote {args.out}")


def main(argv: Sequence[str] | None = None) -> int:
    """Export; returns the exit code."""
    return run_command(_run, argv)


if __name__ == "__main__":
    raise SystemExit(main())
