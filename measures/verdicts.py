"""What a judge says, read as yes or no, and how far two rounds of its verdicts agree."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

YES, NO, UNCLEAR = "yes", "no", "unclear"
THOUGHTS = re.compile(r"\A\s*<think>.*?</think>", re.DOTALL | re.IGNORECASE)
ANSWER = re.compile(
    r"[\W_]*(?:(?:the |my |final )*answer(?: is)?[\W_]+)?"  # "**Answer:** "
    r"(?P<word>yes|no)(?![^\W_]|-)"
    r"(?P<rest>[\W_]*|\s*[^\w\s/].*|[\s_*]*\n.*|\s+(?:it|this|the|caption2|image caption2|because|since|as)\b.*)",
    re.DOTALL | re.IGNORECASE,
)
TAKEN_BACK = {
    YES: re.compile(
        r"\b(?:no|not|cannot|but|except|however|although|though|partly|partially|mostly|almost|some of)\b"
        r"|n['\u2019]t\b",
        re.IGNORECASE,
    ),
    NO: re.compile(r"\byes\b|\bnothing\b.*\b(?:missing|left out|omitted)\b", re.DOTALL | re.IGNORECASE),
}


def read_verdict(answer: str) -> str:
    """YES or NO where the answer's first word is that and the rest does not take it back, else UNCLEAR.

    "Yes" before a "not" or a "but" is UNCLEAR, and so is "no" where it belongs to what follows ("no doubt", "no-one").
    What a model writes between <think> marks before it answers is passed over.
    """
    found = ANSWER.fullmatch(THOUGHTS.sub("", answer))
    if found is None:
        return UNCLEAR
    word = found["word"].lower()
    return UNCLEAR if TAKEN_BACK[word].search(found["rest"]) else word


@dataclass(frozen=True)
class Agreement:
    """Two rounds of verdicts on the same `pairs`: the share that is `equal`, and Cohen's `kappa`.

    Both are None where there is no pair. `kappa` is also None where each round gave one and the same verdict to all:
    chance alone would then agree always, and nothing is left to tell a judge from a stamp.
    """

    pairs: int
    equal: float | None
    kappa: float | None


def agreement_of(first: Sequence[str], second: Sequence[str]) -> Agreement:
    """Share of equal verdicts, and Cohen's kappa (1960), (observed - expected) / (1 - expected) agreement.

    Raises ValueError where the rounds are not of one length.
    """
    pairs = len(first)
    equal = sum(a == b for a, b in zip(first, second, strict=True))
    if not pairs:
        return Agreement(0, None, None)
    counts, others = Counter(first), Counter(second)
    chance = sum(counts[verdict] * others[verdict] for verdict in counts)  # expected agreement x pairs^2
    kappa = (pairs * equal - chance) / (pairs**2 - chance) if chance < pairs**2 else None
    return Agreement(pairs, equal / pairs, kappa)
