"""Drop what the writer says of the text, of itself, or to its user."""

import re

from filters.editing import until_settled, without_sentences
from filters.rules import apology, refusal, rewriter_commentary, self_reference
from pipeline.schema import Passage, Repair
from pipeline.text import split_sentences

_LEAD = re.compile(r"^[^.!?:\"“]{0,160}(?::\s*(?=\S)|,\s+(?=(?:the|this|in|here|there|it|a|an)\s))", re.IGNORECASE)
_WRAPPED = re.compile(r'^"([^"]+)"$|^“([^”]+)”$')
_TALK = (rewriter_commentary, apology, self_reference, refusal)


def apply(text: str) -> str:
    """`text` without remarks, apologies and refusals; of "Here is the corrected paragraph: A cat." the cat stays.

    A text that is nothing else stays as it is, for the rules to judge.
    """
    return until_settled(_drop_once, text)


def _drop_once(text: str) -> str:
    lead = _LEAD.match(text)
    if lead and _is_talk(lead[0]):
        rest = _unwrap(text[lead.end() :])
        return rest[:1].upper() + rest[1:]
    sentences = split_sentences(text)
    talk = next((position for position, sentence in enumerate(sentences) if _is_talk(sentence)), None)
    if talk is None or len(sentences) == 1:
        return text
    return _unwrap(without_sentences(text, {talk}))


def _is_talk(sentence: str) -> bool:
    passage = Passage(sentence)
    return any(rule.measure(passage).value for rule in _TALK)


def _unwrap(text: str) -> str:
    """A description that was quoted as a whole, without the quotation marks."""
    wrapped = _WRAPPED.match(text)
    return next(group for group in wrapped.groups() if group).strip() if wrapped else text


REPAIR = Repair(
    name="drop_commentary",
    why="A remark about the text is not about the picture, and the description beside it can be sound.",
    apply=apply,
)
