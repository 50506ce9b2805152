"""What asking a language model has cost: requests, tokens, seconds, money."""

from __future__ import annotations

from dataclasses import dataclass, field
from statistics import quantiles

from pipeline.params import PricesParams

MILLION = 1_000_000


def cost(tokens_in: int, tokens_out: int, prices: PricesParams) -> float:
    """What tokens cost, in the currency of the prices, which are for a million of them."""
    return (tokens_in * prices.input + tokens_out * prices.output) / MILLION


@dataclass
class Usage:
    """The account of one run. Tokens are those that the server (or the model in this process) has counted."""

    prices: PricesParams | None = None
    requests: int = 0  # sent, retries included
    retries: int = 0
    uncounted: int = 0  # answers whose tokens nobody has counted
    tokens_in: int = 0
    tokens_out: int = 0
    seconds: list[float] = field(default_factory=list)  # of each request that brought an answer
    cached: int = 0  # rows that were answered before
    cached_tokens_in: int = 0  # what those answers took when they were asked for
    cached_tokens_out: int = 0

    def answered(self, tokens_in: int | None, tokens_out: int | None, seconds: float) -> None:
        """Note an answer; a count is None where there is none."""
        self.tokens_in += tokens_in or 0
        self.tokens_out += tokens_out or 0
        self.uncounted += tokens_in is None or tokens_out is None
        self.seconds.append(seconds)

    def recalled(self, rows: int, tokens_in: int | None, tokens_out: int | None) -> None:
        """Note rows that an answer in the cache is for."""
        self.cached += rows
        self.cached_tokens_in += tokens_in or 0
        self.cached_tokens_out += tokens_out or 0

    @property
    def cost(self) -> float | None:
        """What the run's tokens cost; None without prices."""
        return None if self.prices is None else cost(self.tokens_in, self.tokens_out, self.prices)

    @property
    def latency(self) -> tuple[float, float]:
        """The median and the 95th percentile of the seconds that an answer took."""
        if len(self.seconds) < 2:
            return (self.seconds * 2 or [0.0, 0.0])[0], (self.seconds or [0.0])[0]
        percentiles = quantiles(self.seconds, n=100, method="inclusive")
        return percentiles[49], percentiles[94]

    @property
    def brief(self) -> str:
        """For a progress bar."""
        paid = "" if self.cost is None else f", cost {self.cost:.4g}"
        tokens = self.tokens_in + self.tokens_out
        return f"{len(self.seconds)} answers, {self.cached} cached, {tokens} tokens{paid}"

    def __str__(self) -> str:
        median, slow = self.latency
        parts = [
            f"{self.requests} requests ({self.retries} retries)",
            f"{len(self.seconds)} answers in {median:.2f} s (median; 95th percentile {slow:.2f} s)",
            f"{self.cached} rows from the cache",
            f"{self.tokens_in} tokens in and {self.tokens_out} out",
        ]
        if self.uncounted:
            parts.append(f"{self.uncounted} answers uncounted")
        if self.cost is not None:
            parts.append(f"cost {self.cost:.4g}")
        return ", ".join(parts)

    def report(self) -> dict[str, object]:
        """For a JSON file; seconds are of one request."""
        median, slow = self.latency
        return {
            "requests": self.requests,
            "retries": self.retries,
            "answers": len(self.seconds),
            "uncounted_answers": self.uncounted,
            "tokens_in": self.tokens_in,
            "tokens_out": self.tokens_out,
            "latency_p50": round(median, 3),
            "latency_p95": round(slow, 3),
            "cost": self.cost,
            "prices": None if self.prices is None else self.prices.model_dump(),
            "cached_rows": self.cached,
            "cached_tokens_in": self.cached_tokens_in,
            "cached_tokens_out": self.cached_tokens_out,
        }
