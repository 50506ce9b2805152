"""Any image-text-to-text chat model of transformers in this process, asked through its own processor and template."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import takewhile
from typing import Any

import torch
from jinja2 import TemplateError
from PIL import Image
from transformers import GenerationConfig

from pipeline.backends.completion import LENGTH, STOP
from pipeline.captioners.conversation import Conversation, describe_in_two_passes, to_messages
from pipeline.captioners.description import Description, Undescribed
from pipeline.captioners.loading import MEND, load_eyed_model
from pipeline.chat_model import end_tokens, without_marks
from pipeline.errors import JobError, first_line
from pipeline.generate import Answer
from pipeline.params import DescribeParams, ModelParams
from pipeline.pretrained import UNFIT
from pipeline.prompts import END_MARK, until_mark


class TransformersCaptioner:
    """A folder, or a revision of a model on the Hub. The same pictures and seeds get the same descriptions."""

    def __init__(self, params: DescribeParams, run: ModelParams) -> None:
        """`run` says how models run here: dtype, attention, threads."""
        torch.set_num_threads(run.threads)
        loaded = load_eyed_model(params.model, run)
        self.name, self.revision = loaded.name, loaded.revision
        self._model, self._processor = loaded.model, loaded.processor
        self._tokenizer: Any = loaded.processor.tokenizer
        self._ends = end_tokens(self._model, self._tokenizer)
        # Replaced whole: what a model's folder says of sampling must not mix with the params.
        self._model.generation_config = GenerationConfig(
            eos_token_id=sorted(self._ends) or None, pad_token_id=self._tokenizer.pad_token_id
        )
        self._prove(params)

    def describe(
        self,
        pictures: Sequence[Image.Image],
        seeds: Sequence[int],
        params: DescribeParams,
        advance: Callable[[int], None],
    ) -> list[Description | Undescribed]:
        """See Captioner."""
        return describe_in_two_passes(self, pictures, seeds, params, advance)

    @torch.inference_mode()
    def answer(
        self, conversations: Sequence[Conversation], params: DescribeParams, advance: Callable[[int], None]
    ) -> list[Answer | Undescribed]:
        """See ChatModel. Rows are padded on the left; where answers are drawn, each is made alone, from its seed."""
        size = 1 if params.do_sample else params.batch_size
        answers: list[Answer | Undescribed] = []
        for start in range(0, len(conversations), size):
            batch = conversations[start : start + size]
            answers += self._answer_batch(batch, params)
            advance(len(batch))
        return answers

    def _answer_batch(self, batch: Sequence[Conversation], params: DescribeParams) -> list[Answer | Undescribed]:
        try:
            inputs = self._process(batch)
        except ValueError as error:  # a picture that the processor refuses: too flat, say
            if len(batch) == 1:
                return [Undescribed(f"the processor refuses the picture: {first_line(error)}")]
            return [answer for row in batch for answer in self._answer_batch([row], params)]
        return list(self._generate(inputs, batch[0].seed, params))

    def _process(self, batch: Sequence[Conversation]) -> Any:
        """Conversations -> the model's inputs: input_ids and attention_mask [B, T], and what it takes for pictures."""
        texts = [self._render(conversation) for conversation in batch]
        bos = self._tokenizer.bos_token
        inputs = self._processor(
            text=texts,
            images=[[conversation.picture] for conversation in batch],
            padding=True,
            padding_side="left",
            add_special_tokens=not (bos and texts[0].startswith(bos)),  # a template may have written them already
            return_tensors="pt",
        )
        return inputs.to(self._model.device, self._model.dtype)  # the dtype of floats alone

    def _render(self, conversation: Conversation) -> str:
        texts = [{"type": "text", "text": without_marks(turn, self._tokenizer)} for turn in conversation.turns]
        messages = to_messages([[{"type": "image"}, texts[0]], *([text] for text in texts[1:])])
        return str(self._processor.apply_chat_template(messages, add_generation_prompt=True, tokenize=False))

    def _generate(self, inputs: Any, seed: int, params: DescribeParams) -> list[Answer]:
        torch.manual_seed(seed)
        # top_k=0: transformers would otherwise cut at 50, which no param says.
        warm = {"temperature": params.temperature, "top_p": params.top_p, "top_k": 0}
        rows, width = inputs["input_ids"].shape
        try:
            out = self._model.generate(
                **inputs,
                max_new_tokens=params.max_new_tokens,
                num_beams=params.num_beams,
                do_sample=params.do_sample,
                repetition_penalty=params.repetition_penalty,
                stop_strings=[END_MARK],
                tokenizer=self._tokenizer,
                **(warm if params.do_sample else {}),
            )
        except torch.OutOfMemoryError as error:
            mend = "lower describe.batch_size, or take a smaller model"
            raise JobError(f"no memory for {rows} pictures at once with {self.name}: {mend}") from error
        return [self._read(ids, params.max_new_tokens) for ids in out[:, width:].tolist()]

    def _read(self, ids: list[int], limit: int) -> Answer:
        """Decode one row up to its end mark or its first end token."""
        own = list(takewhile(lambda token: token not in self._ends, ids))
        text, marked = until_mark(str(self._tokenizer.decode(own, skip_special_tokens=True)), END_MARK)
        if marked:
            return Answer(text, len(self._tokenizer(text, add_special_tokens=False)["input_ids"]), STOP)
        return Answer(text, len(own), STOP if len(own) < limit else LENGTH)

    def _prove(self, params: DescribeParams) -> None:
        """One token about a grey square: what does not fit together shows before the first row."""
        short = params.model_copy(update={"max_new_tokens": 1, "num_beams": 1, "do_sample": False})
        grey = Conversation(Image.new("RGB", (64, 64), "grey"), 0, (params.prompt, "x", params.continue_prompt))
        try:
            with torch.inference_mode():
                self._generate(self._process([grey]), 0, short)
        except (*UNFIT, TemplateError) as error:
            what = first_line(error)
            raise JobError(f"the model of {self.name} cannot be asked about a picture: {what}; {MEND}") from error
