"""Leave out statements about the whole picture that name only what has been named."""

from collections.abc import Sequence

from filters.claims import Claim, read_claims
from filters.duplicates import agrees
from filters.editing import until_settled, without_sentences
from filters.english import words_of
from pipeline.schema import Repair
from pipeline.text import split_sentences

_COLOUR = frozenset("color colour".split())  # stems


def apply(text: str) -> str:
    """`text` without sentences such as "The subject is a beach." behind "This is a picture of a beach.".

    One earlier sentence must hold all that the statement names: "The subject is a red bus." is news behind "A bus
    passes a red car." Colours of the whole may have been said here and there.
    """
    return until_settled(_without_known, text)


def _without_known(text: str) -> str:
    claims = read_claims(words_of(sentence) for sentence in split_sentences(text))
    return without_sentences(text, {place for place, claim in enumerate(claims) if _is_known(claim, claims[:place])})


def _is_known(claim: Claim, earlier: Sequence[Claim]) -> bool:
    head, value = claim.statement
    # "it" is the picture in "It is about flowers.", and may be a thing in "It is red."
    if not value or (head == "it" and "about" not in claim.words and claim.words[1:2] != ["has"]):
        return False
    if head in _COLOUR:
        return value <= frozenset[str]().union(*(other.content for other in earlier))
    return any(value <= other.content and agrees(claim, [other]) for other in earlier)


REPAIR = Repair(
    name="drop_known_statements",
    why="MiniGPT-4's authors cut redundant words by hand: a small model ends in statements of what it has said.",
    apply=apply,
)
