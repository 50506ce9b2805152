"""Rounds of fetching until as many pictures as are wanted have passed every check, or the candidates are used up.

Candidates are drawn in the order of the list. The first ones that are good and repeat none before them are the
pictures; so what comes out depends on the list and on what its addresses answer, not on how the rounds fell.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field

import pyarrow as pa

from pipeline.duplicates import Duplicates
from pipeline.fetch.asking import Asker
from pipeline.fetch.failures import Failure
from pipeline.fetch.results import FETCH, OUTCOME_OF_RESULT, Results
from pipeline.progress import row_bar
from pipeline.schema import CANDIDATE, FAILED, OUTCOME, PICTURE, REJECTED

STAGE = "download"
DOWNLOADED = pa.schema([*CANDIDATE, *PICTURE, *OUTCOME])


@dataclass(frozen=True)
class Round:
    """One round: candidates and good pictures by its end, and how many it drew on what estimate."""

    drawn: int  # in this round
    share: float | None  # of candidates that were good before it; None in the first round
    good: int  # pictures by its end


@dataclass
class Collection:
    """The candidates of one list that have been drawn so far, and what has been made of each good one."""

    name: str
    rows: pa.Table  # CANDIDATE, all of the list
    wanted: int
    results: Results
    drawn: int = 0
    good: int = 0
    asked: int = 0  # addresses without a result that this process asked for
    rounds: list[Round] = field(default_factory=list)
    rejected: dict[str, Failure] = field(default_factory=dict)  # good pictures that are not kept, by key

    def fill(self, asker: Asker, seen: Duplicates | None) -> None:
        """Draw until `wanted` pictures are good or every candidate is drawn.

        `seen` are the pictures to differ from, and takes these in; None: they may be alike.
        """
        while self.good < self.wanted and self.drawn < self.rows.num_rows:
            share = (self.good + 1) / (self.drawn + 2) if self.drawn else None  # Laplace's rule of succession
            more = min(to_draw(self.wanted - self.good, share), self.rows.num_rows - self.drawn)
            if share is not None:
                print(
                    f"{STAGE} {self.name}: {self.good} of {self.wanted} pictures after {self.drawn} candidates; about "
                    f"{share:.0%} are good: drawing {more} more",
                    flush=True,
                )
            part = self.rows.slice(self.drawn, more)
            urls = dict(zip(part["key"].to_pylist(), part["url"].to_pylist(), strict=True))
            done = sum(key in self.results.known for key in urls)
            self.asked += more - done
            with row_bar(f"{STAGE} {self.name}", more, done) as bar:
                asker.ask(urls, self.results, bar)
            self._judge(list(urls), seen)
            self.drawn += more
            self.rounds.append(Round(more, share, self.good))

    def _judge(self, keys: list[str], seen: Duplicates | None) -> None:
        """Go through the next candidates in order: the first good ones are kept, repetitions and surplus are not."""
        for key in keys:
            known = self.results.known[key]
            if known.rule is not None:
                continue
            if self.good == self.wanted:
                self.rejected[key] = Failure("surplus", f"{self.wanted} pictures had come before it")
                continue
            traits = known.sha256, known.source_sha256, known.phash, known.layout
            first = seen.first_of(key, *map(str, traits)) if seen else None
            if first is None:
                self.good += 1
            else:
                what = "the same picture as" if first[1] == 0 else "nearly the picture of"
                self.rejected[key] = Failure("duplicate", f"{what} {first[0]}", float(first[1]))

    def tables(self, schema: pa.Schema, size: int) -> Iterator[pa.Table]:
        """Tables of `schema` (columns of CANDIDATE, OUTCOME and results), `size` drawn candidates each, in order."""
        fetched = [name for name in (*PICTURE.names, *FETCH.names) if name in schema.names]
        for first in range(0, self.drawn, size):
            rows = self.rows.slice(first, min(size, self.drawn - first))
            results = self.results.table(rows["key"].to_pylist(), ["key", *OUTCOME_OF_RESULT, *fetched])
            outcomes = [self._outcome(row) for row in results.select(["key", *OUTCOME_OF_RESULT]).to_pylist()]
            columns = {name: rows[name] for name in CANDIDATE.names} | {name: results[name] for name in fetched}
            for name, kind in zip(OUTCOME.names, OUTCOME.types, strict=True):
                columns[name] = pa.array([each.get(name) for each in outcomes], kind)
            yield pa.table({name: columns[name] for name in schema.names}).cast(schema)

    def _outcome(self, row: Mapping[str, object]) -> dict[str, object]:
        """The OUTCOME columns of a result."""
        if row["rule"] is not None:
            return {"outcome": FAILED, "stage": STAGE, **{name: row[name] for name in OUTCOME_OF_RESULT}}
        why = self.rejected.get(str(row["key"]))
        return {"outcome": REJECTED, "stage": STAGE, **asdict(why)} if why else {}


def to_draw(missing: int, share: float | None) -> int:
    """How many candidates to draw for `missing` pictures when `share` of the candidates are good (None: unknown).

    One standard deviation of the good ones (binomial) is added, so that few further rounds are needed.
    """
    if share is None:
        return missing
    return math.ceil((missing + math.sqrt(missing * (1 - share))) / share)
