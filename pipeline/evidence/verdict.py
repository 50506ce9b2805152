"""The rule on pictures: a description must say more of its own picture than of others."""

from __future__ import annotations

from pipeline.schema import Verdict

GROUNDING = "grounding"
WHY = "What is said must be of the picture: rules read texts alone, and a sound text of another picture passes them all"


def judge_grounding(score: float, limit: float | None) -> Verdict:
    """Hold a score of `ground` against verify.min_grounding; without a limit it is measured, and rejects nothing."""
    if limit is None or score >= limit:
        return Verdict(GROUNDING, False, score, limit, "")
    return Verdict(GROUNDING, True, score, limit, f"{GROUNDING} {score:.3g} is below {limit:.3g}")
