"""Prompts, segment by segment, as MiniGPT-4 writes them.

Each text segment is tokenised by itself, without special tokens; one BOS stands in front of the first;
the picture's embeddings stand between `<Img>` and `</Img>`. Source: MiniGPT-4 (arXiv 2304.10592), section 3.2.
The texts around the words of a conversation are data: `templates/conversations.yaml`.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import yaml
from transformers import PreTrainedTokenizerBase

END_MARK = "###"  # MiniGPT-4's; an answer of any other captioner ends there too


@dataclass(frozen=True)
class Template:
    """How a language model's conversations are written; `{instruction}` stands for what the user asks."""

    before_image: str
    after_image: str
    answer_prefix: str
    end_mark: str
    next_turn: str


TEMPLATES: dict[str, Template] = {
    name: Template(**texts)
    for name, texts in yaml.safe_load(
        Path(__file__).with_name("templates").joinpath("conversations.yaml").read_text(encoding="utf-8")
    ).items()
}


@dataclass(frozen=True)
class Prompt:
    """Token ids of a prompt on both sides of the picture."""

    before_image: tuple[int, ...]
    after_image: tuple[int, ...]


def tokenize(tokenizer: PreTrainedTokenizerBase, text: str) -> list[int]:
    """Token ids of one segment, without BOS or EOS."""
    ids: list[int] = tokenizer(text, add_special_tokens=False)["input_ids"]
    return ids


def until_mark(text: str, mark: str) -> tuple[str, bool]:
    """A text before its first mark, stripped, and whether the mark was there."""
    answer, found, _ = text.partition(mark)
    return answer.strip(), bool(found)


@dataclass(frozen=True)
class Chat:
    """A tokenizer with the template that its language model was taught: prompts and answers in token ids."""

    tokenizer: PreTrainedTokenizerBase
    template: Template

    @property
    def _bos(self) -> tuple[int, ...]:
        bos = self.tokenizer.bos_token_id
        return () if bos is None else (int(bos),)

    def picture_prompt(self, instruction: str) -> Prompt:
        """The prompt that asks `instruction` about one picture: BOS, `###Human: <Img>`, picture, the rest."""
        after = self.template.after_image.format(instruction=instruction)
        before = tokenize(self.tokenizer, self.template.before_image)
        return Prompt((*self._bos, *before), tuple(tokenize(self.tokenizer, after)))

    def bare_prompt(self) -> Prompt:
        """No words at all: BOS and the picture, as the paper's stage 1 has it."""
        return Prompt(self._bos, ())

    def next_turn(self, instruction: str) -> list[int]:
        """A further turn of the same conversation, after an answer without its end mark."""
        return tokenize(self.tokenizer, self.template.next_turn.format(instruction=instruction))

    def said(self, text: str) -> list[int]:
        """An answer without its end mark, as the conversation goes on from it."""
        return tokenize(self.tokenizer, self.template.answer_prefix + text)

    def end_mark(self) -> list[int]:
        """What ends an answer."""
        return tokenize(self.tokenizer, self.template.end_mark)

    def answer(self, text: str, max_tokens: int) -> list[int]:
        """An answer and its end mark; a text longer than `max_tokens` is cut, the end mark never is.

        A cut answer gets no end mark: it did not end there, and teaching that it did teaches to break off.
        """
        ids = self.said(text.strip())
        return ids[:max_tokens] if len(ids) > max_tokens else ids + self.end_mark()

    def until_end_mark(self, text: str) -> tuple[str, bool]:
        """The answer before its end mark, stripped, and whether the mark was there."""
        return until_mark(text, self.template.end_mark)
