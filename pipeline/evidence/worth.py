"""What a score of grounding is worth: does it tell a description's own picture from a wrong one?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pydantic import BaseModel
from scipy import stats

FEWEST = 2  # pairs; of one there is no variance


@dataclass(frozen=True)
class Separation:
    """The area under the ROC curve with its 95 % interval."""

    auc: float
    low: float
    high: float


def auc(own: Sequence[float], shuffled: Sequence[float]) -> Separation:
    """How often a score with the own picture is above one with a wrong picture (Mann & Whitney 1947; ties half).

    The two scores of a row, own[i] and shuffled[i], are of one text: the interval takes them as one cluster
    (Obuchowski 1997, "Nonparametric analysis of clustered ROC curve data", which is DeLong et al. 1988 for clusters).
    Raises ValueError for fewer than FEWEST rows, or lists of different lengths.
    """
    n = len(own)
    if n < FEWEST or len(shuffled) != n:
        raise ValueError(f"{n} own and {len(shuffled)} shuffled scores: at least {FEWEST} pairs are needed")
    ranks = stats.rankdata([*own, *shuffled])
    above = (ranks[:n] - stats.rankdata(own)) / n  # share of the shuffled scores that each own one beats
    below = 1 - (ranks[n:] - stats.rankdata(shuffled)) / n  # share of the own scores that beat each shuffled one
    value = float(above.mean())
    half = float(stats.norm.ppf(0.975) * np.sqrt(np.var(above + below, ddof=1) / n))
    return Separation(value, max(0.0, value - half), min(1.0, value + half))


class Worth(BaseModel):
    """The figures of a run; null where there is nothing to tell them from."""

    scored: int  # descriptions
    auc: float | None  # see `auc`
    auc_low: float | None
    auc_high: float | None
    ranked_first: float | None  # share of the descriptions whose own picture came before all others
    median_score: float | None

    @property
    def headline(self) -> str:
        """All of them on one line."""
        if self.auc is None:
            return f"{self.scored} descriptions scored"
        return (
            f"{self.scored} descriptions tell their picture from a wrong one with AUC {self.auc:.3f} "
            f"({self.auc_low:.3f} to {self.auc_high:.3f}), {self.ranked_first:.0%} rank it first; "
            f"median score {self.median_score:.3f}"
        )


SHOWN = ("grounding_score", "grounding_rank", "grounding_shuffled")


def worth_of(rows: pa.Table) -> Worth:
    """What the scores of some rows tell, from their columns SHOWN."""
    scored = rows.filter(pc.is_valid(rows["grounding_score"]))
    paired = scored.filter(pc.is_valid(scored["grounding_shuffled"]))
    own, shuffled = (paired[name].to_pylist() for name in ("grounding_score", "grounding_shuffled"))
    apart = auc(own, shuffled) if paired.num_rows >= FEWEST else None
    ranks, scores = (scored[name].to_pylist() for name in ("grounding_rank", "grounding_score"))
    return Worth(
        scored=len(scores),
        auc=apart.auc if apart else None,
        auc_low=apart.low if apart else None,
        auc_high=apart.high if apart else None,
        ranked_first=ranks.count(1) / len(ranks) if ranks else None,
        median_score=median(scores) if scores else None,
    )
