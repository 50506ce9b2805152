"""Prompts, segment by segment, as MiniGPT-4 writes them.

Each text segment is tokenised by itself, without special tokens; one BOS stands in front of the first;
the picture's embeddings stand between `<Img>` and `</Img>`. Source: MiniGPT-4 (arXiv 2304.10592), section 3.2.
"""

from __future__ import annotations

from dataclasses import dataclass

from transformers import PreTrainedTokenizerBase

END_MARK = "###"  # what ends a turn in Vicuna v0's format
BEFORE_IMAGE = "###Human: <Img>"
AFTER_IMAGE = "</Img> {instruction} ###Assistant:"
NEXT_TURN = " ###Human: {instruction} ###Assistant:"


@dataclass(frozen=True)
class Prompt:
    """Token ids of a prompt on both sides of the picture."""

    before_image: tuple[int, ...]
    after_image: tuple[int, ...]


def tokenize(tokenizer: PreTrainedTokenizerBase, text: str) -> list[int]:
    """Token ids of one segment, without BOS or EOS."""
    ids: list[int] = tokenizer(text, add_special_tokens=False)["input_ids"]
    return ids


def picture_prompt(tokenizer: PreTrainedTokenizerBase, instruction: str) -> Prompt:
    """The prompt that asks `instruction` about one picture: BOS, `###Human: <Img>`, picture, the rest."""
    bos = [] if tokenizer.bos_token_id is None else [int(tokenizer.bos_token_id)]
    after = AFTER_IMAGE.format(instruction=instruction)
    return Prompt(tuple(bos + tokenize(tokenizer, BEFORE_IMAGE)), tuple(tokenize(tokenizer, after)))


def bare_prompt(tokenizer: PreTrainedTokenizerBase) -> Prompt:
    """No words at all: BOS and the picture, as the paper's stage 1 has it."""
    return Prompt(() if tokenizer.bos_token_id is None else (int(tokenizer.bos_token_id),), ())


def next_turn(tokenizer: PreTrainedTokenizerBase, instruction: str) -> list[int]:
    """Token ids of a further turn of the same conversation, after an answer without its end mark."""
    return tokenize(tokenizer, NEXT_TURN.format(instruction=instruction))


def answer_tokens(tokenizer: PreTrainedTokenizerBase, text: str, max_tokens: int) -> list[int]:
    """Token ids of an answer and its end mark; a text longer than `max_tokens` is cut, the end mark never is.

    A cut answer gets no end mark: it did not end there, and teaching that it did teaches to break off.
    """
    ids = tokenize(tokenizer, " " + text.strip())
    if len(ids) > max_tokens:
        return ids[:max_tokens]
    return ids + tokenize(tokenizer, END_MARK)


def until_end_mark(text: str) -> tuple[str, bool]:
    """The answer before its end mark, stripped, and whether the mark was there."""
    answer, mark, _ = text.partition(END_MARK)
    return answer.strip(), bool(mark)
