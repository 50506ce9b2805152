"""The two models side by side: what `evaluate` measured, as a table for people."""

from __future__ import annotations

from pydantic import BaseModel


class ModelOnPrompt(BaseModel):
    """One model's failures on one prompt; other figures are ignored."""

    failure_rate: float
    failure_rate_low: float
    failure_rate_high: float


class FailuresChange(BaseModel):
    """Failure rate after less before, with its interval, and p of there being no change."""

    difference: float
    difference_low: float
    difference_high: float
    p: float


class OnPrompt(BaseModel):
    """Both models on one prompt."""

    stage1: ModelOnPrompt
    finetuned: ModelOnPrompt
    change: FailuresChange


class ModelGrounding(BaseModel):
    """How far one model's texts belong to their pictures; null where nothing counts."""

    margin: float | None
    recall: float | None
    chair_i: float | None
    mean_words: float | None


class GroundingChange(BaseModel):
    """After less before, with intervals."""

    margin: float | None
    margin_low: float | None
    margin_high: float | None
    recall: float | None
    recall_low: float | None
    recall_high: float | None


class OnPictures(BaseModel):
    """Both models' grounding."""

    stage1: ModelGrounding
    finetuned: ModelGrounding
    change: GroundingChange


class ModelCoverage(BaseModel):
    """The share of one model's descriptions that a judge says cover the caption; null where it answered nothing."""

    covered: float | None  # asked in both orders, yes in both
    yes_caption_first: float | None  # the paper's order alone


class CoverageChange(BaseModel):
    """After less before, in both orders."""

    difference: float | None
    difference_low: float | None
    difference_high: float | None


class Coverage(BaseModel):
    """Both models before the judge."""

    stage1: ModelCoverage
    finetuned: ModelCoverage
    change: CoverageChange


class Comparison(BaseModel):
    """evaluate/metrics.json: both models on the same held-out pictures."""

    pictures: int
    seeds: int
    prompts: dict[str, OnPrompt]
    grounding: OnPictures
    coverage: Coverage | None = None  # where there is a judge

    @property
    def headline(self) -> str:
        """The failures in one line."""
        rates = [
            f"{name} {found.stage1.failure_rate:.0%} before, {found.finetuned.failure_rate:.0%} after"
            for name, found in self.prompts.items()
        ]
        return f"failures on {self.pictures} held-out pictures: {'; '.join(rates)} fine-tuning"

    @property
    def table(self) -> str:
        """Failures by prompt, and grounding, before and after, with the change and its 95 % interval."""
        seeds = f" x {self.seeds} seeds" if self.seeds > 1 else ""
        rows = [(f"{self.pictures} held-out pictures{seeds}", "stage 1", "fine-tuned", "change (95 % interval)")]
        for name, each in self.prompts.items():
            change = each.change
            said = _change(change.difference, change.difference_low, change.difference_high, percent=True)
            old, new = (f"{model.failure_rate:.1%}" for model in (each.stage1, each.finetuned))
            rows.append((f"{name}: failures", old, new, f"{said}, p = {change.p:.1g}"))
        first, last, moved = self.grounding.stage1, self.grounding.finetuned, self.grounding.change
        margin = _change(moved.margin, moved.margin_low, moved.margin_high, percent=False)
        rows.append(("right picture against another, nats", _figure(first.margin), _figure(last.margin), margin))
        recall = _change(moved.recall, moved.recall_low, moved.recall_high, percent=True)
        rows.append(("reference words found", _share(first.recall), _share(last.recall), recall))
        rows.append(("named, not in reference (CHAIR_i)", _share(first.chair_i), _share(last.chair_i), ""))
        rows.append(("words in a description", _figure(first.mean_words, 0), _figure(last.mean_words, 0), ""))
        rows += self._covered()
        return "\n".join(f"{name:<36}{old:>9}{new:>12}   {said}".rstrip() for name, old, new, said in rows)

    def _covered(self) -> list[tuple[str, str, str, str]]:
        if self.coverage is None:
            return []
        both, moved = (self.coverage.stage1, self.coverage.finetuned), self.coverage.change
        change = _change(moved.difference, moved.difference_low, moved.difference_high, percent=True)
        paper = [_share(model.yes_caption_first) for model in both]
        covered = [_share(model.covered) for model in both]
        return [
            ("caption covered, says the judge", covered[0], covered[1], change),
            ("the same, asked in one order", paper[0], paper[1], ""),
        ]


def _figure(value: float | None, digits: int = 3) -> str:
    return "-" if value is None else f"{value:.{digits}f}"


def _share(value: float | None) -> str:
    return "-" if value is None else f"{value:.1%}"


def _change(value: float | None, low: float | None, high: float | None, *, percent: bool) -> str:
    if value is None or low is None or high is None:
        return "-"
    if percent:
        return f"{100 * value:+.1f} points ({100 * low:+.1f} to {100 * high:+.1f})"
    return f"{value:+.3f} ({low:+.3f} to {high:+.3f})"
