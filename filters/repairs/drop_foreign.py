"""Drop sentences of another language."""

from filters.editing import drop_where, until_settled
from filters.rules import mixed_language, mixed_script
from pipeline.schema import Passage, Repair


def apply(text: str) -> str:
    """`text` without the sentences that hold another language or script, if an English one stays."""
    return until_settled(lambda once: drop_where(once, _is_foreign), text)


def _is_foreign(sentence: str) -> bool:
    return mixed_script.measure(Passage(sentence)).value > 0 or mixed_language.is_foreign_sentence(sentence)


REPAIR = Repair(
    name="drop_foreign",
    why='MiniGPT-4\'s repair asks to remove "not English sentences"; leaving them out needs no language model.',
    apply=apply,
)
