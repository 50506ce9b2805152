"""A causal language model in this process, asked through its own chat template."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, cast

import torch
from safetensors import SafetensorError
from transformers import (
    AutoModelForCausalLM,
    AutoTokenizer,
    GenerationConfig,
    PreTrainedModel,
    PreTrainedTokenizerBase,
)

from pipeline.backends.completion import LENGTH, STOP, Completion
from pipeline.chat_model import digest_folder, end_tokens, without_marks
from pipeline.chat_usage import Usage
from pipeline.errors import JobError, first_line
from pipeline.params import LanguageModelParams
from pipeline.seeds import row_seed


class LocalModel:
    """A transformers folder in bfloat16 on the CPU. A text's answer does not hang on what else is asked.

    But for rounding, where greedy rows are padded to one length: two tokens about equally likely may change places.
    """

    def __init__(self, params: LanguageModelParams) -> None:
        folder = Path(params.model)
        self.model, self.tokenizer = _load(folder, params.section)
        self.name = folder.name
        self.revision = digest_folder(folder)
        self.usage = Usage()
        self._params = params
        self._ends = end_tokens(self.model, self.tokenizer)
        # Replaced whole: what a model's folder says of sampling must not mix with the params.
        self.model.generation_config = GenerationConfig(
            max_new_tokens=params.max_new_tokens,
            eos_token_id=sorted(self._ends),
            pad_token_id=self.tokenizer.pad_token_id,
            **_sampling(params.temperature),
        )

    def request(self, text: str) -> dict[str, object]:
        """See Model."""
        return {
            "messages": [{"role": "user", "content": text}],
            "max_new_tokens": self._params.max_new_tokens,
            "temperature": self._params.temperature,
            "seed": self._params.seed,
        }

    @torch.no_grad()
    def answer(self, requests: Sequence[Mapping[str, object]], take: Callable[[int, Completion], None]) -> None:
        """See Model. Rows are batched by length and padded on the left; where answers are drawn, each is made alone."""
        size = 1 if self._params.temperature > 0.0 else self._params.batch_size
        prompts = [self._tokenize(request["messages"]) for request in requests]
        order = sorted(range(len(prompts)), key=lambda i: len(prompts[i]))
        for start in range(0, len(order), size):
            rows = order[start : start + size]
            torch.manual_seed(_seed(requests[rows[0]]))
            for i, completion in zip(rows, self._answer([prompts[i] for i in rows]), strict=True):
                take(i, completion)

    def _tokenize(self, messages: Any) -> list[int]:
        """Token ids of a conversation, up to where the model's answer begins."""
        chat = [{**message, "content": without_marks(message["content"], self.tokenizer)} for message in messages]
        prompt = self.tokenizer.apply_chat_template(chat, tokenize=False, add_generation_prompt=True)
        ids: list[int] = self.tokenizer(prompt, add_special_tokens=False)["input_ids"]
        return ids

    def _answer(self, prompts: Sequence[list[int]]) -> list[Completion]:
        began = time.monotonic()
        batch = self.tokenizer.pad({"input_ids": list(prompts)}, padding_side="left", return_tensors="pt")
        model: Any = self.model  # generate() has no types
        out = model.generate(input_ids=batch["input_ids"], attention_mask=batch["attention_mask"])
        made = out[:, batch["input_ids"].shape[1] :].tolist()
        completions = [self._read(prompt, row) for prompt, row in zip(prompts, made, strict=True)]
        self.usage.requests += len(completions)
        for completion in completions:
            self.usage.answered(completion.tokens_in, completion.tokens_out, time.monotonic() - began)
        return completions

    def _read(self, prompt: list[int], ids: list[int]) -> Completion:
        """Decode one row up to its first end token; a row that has none was cut off."""
        end = next((i for i, token in enumerate(ids) if token in self._ends), None)
        text = str(self.tokenizer.decode(ids[:end], skip_special_tokens=True))
        made = len(ids) if end is None else end + 1
        return Completion(text, LENGTH if end is None else STOP, tokens_in=len(prompt), tokens_out=made)


def _load(folder: Path, section: str) -> tuple[PreTrainedModel, PreTrainedTokenizerBase]:
    mend = f"run `make assets`, or set {section}.model to the folder of an instruction-tuned model"
    if not any(folder.glob("*.safetensors")):
        raise JobError(f"no language model in {folder}: {mend}")
    options: dict[str, Any] = {"local_files_only": True, "trust_remote_code": False}
    try:
        tokenizer = AutoTokenizer.from_pretrained(folder, **options)
        model = AutoModelForCausalLM.from_pretrained(
            folder, dtype=torch.bfloat16, attn_implementation="eager", use_safetensors=True, **options
        )
    except (OSError, ValueError, SafetensorError) as error:
        raise JobError(f"cannot load the language model in {folder}: {first_line(error)}; {mend}") from error
    if tokenizer.chat_template is None:
        raise JobError(f"the model in {folder} has no chat template: {mend}")
    if tokenizer.pad_token_id is None:
        tokenizer.pad_token = tokenizer.eos_token
    return model.eval(), tokenizer


def _seed(request: Mapping[str, object]) -> int:
    """A request's own seed: rows that shared one would all begin with the same luck."""
    return row_seed(cast("int", request["seed"]), json.dumps(request["messages"]))


def _sampling(temperature: float) -> dict[str, Any]:
    """Greedy at 0, else plain sampling from the whole distribution."""
    if temperature == 0.0:
        return {"do_sample": False}
    return {"do_sample": True, "temperature": temperature, "top_p": 1.0, "top_k": 0}
