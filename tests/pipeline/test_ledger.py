"""The ledger balances, or says which keys do not."""

from __future__ import annotations

import re

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.errors import JobError
from pipeline.ledger import LEDGER, Exit, Funnel, check_balance, funnel, ledger_of
from pipeline.schema import FAILED, KEPT, OUTCOME, REJECTED

Row = tuple[str, str | None, str | None, str | None, str | None, float | None]
ROWS: list[Row] = [
    ("k1", None, None, None, None, None),
    ("k2", FAILED, "download", "status", "HTTP 404", 404.0),
    ("k3", REJECTED, "verify", "apology", "apology 1 is above 0", 1.0),
    ("k4", REJECTED, "filter", "too_short", "too_short 7 is below 50", 7.0),
    ("k5", None, None, None, None, None),
    ("k6", REJECTED, "filter", "word_repetition", "word_repetition 0.5 is above 0.2", 0.5),
    ("k7", REJECTED, "filter", "word_repetition", "word_repetition 0.5 is above 0.2", 0.5),
]
KEYS = [row[0] for row in ROWS]


def table_of(rows: list[Row]) -> pa.Table:
    """A table as `verify` leaves it: more columns than the ledger takes, in another order."""
    columns = dict(zip(("key", *OUTCOME.names), zip(*rows, strict=True), strict=True))
    schema = pa.schema([("final_text", pa.string()), *OUTCOME, ("key", pa.string()), ("url", pa.string())])
    values = {**columns, "url": [f"http://a.example/{row[0]}" for row in rows], "final_text": ["text"] * len(rows)}
    return pa.table({name: values[name] for name in schema.names}, schema)


def ledger_with(rows: list[Row]) -> pa.Table:
    """The ledger of such a table."""
    return ledger_of(table_of(rows))


def test_living_rows_are_kept_and_dead_ones_stay_as_they_are() -> None:
    """The ledger has a row a key, in order, with the seven columns and nothing else."""
    ledger = ledger_with(ROWS)
    assert ledger.schema.equals(LEDGER)
    found = [tuple(row[name] for name in ("key", *OUTCOME.names)) for row in ledger.to_pylist()]
    assert found == [(row[0], row[1] or KEPT, *row[2:]) for row in ROWS]
    check_balance(reversed(KEYS), ledger)


def changed(row: Row, **changes: str | None) -> Row:
    """The row with some of its fields changed."""
    names = ("key", *OUTCOME.names)
    return tuple(changes.get(name, value) for name, value in zip(names, row, strict=True))  # type: ignore[return-value]


@pytest.mark.parametrize(
    ("sampled", "rows", "fault"),
    [
        (KEYS, ROWS[1:], "1 missing (k1)"),
        (KEYS[1:], ROWS, "1 unknown (k1)"),
        (KEYS, [*ROWS, ROWS[2]], "1 there twice (k3)"),
        ([*KEYS, "k5"], ROWS, "1 sampled twice (k5)"),
        (KEYS, [*ROWS[:-1], changed(ROWS[-1], key="k8")], "1 missing (k7); 1 unknown (k8)"),
        ([f"m{n:02}" for n in range(12)] + KEYS, ROWS, "12 missing (m00, m01, m02, m03, m04, ...)"),
        (KEYS, [*ROWS[:-1], changed(ROWS[-1], outcome="lost")], "1 without a proper outcome (k7)"),
        (KEYS, [*ROWS[:-1], changed(ROWS[-1], reason="")], "1 without a proper outcome (k7)"),
        (KEYS, [*ROWS[:-1], changed(ROWS[-1], rule=None)], "1 without a proper outcome (k7)"),
        (KEYS, [changed(ROWS[0], reason="?"), *ROWS[1:]], "1 without a proper outcome (k1)"),
    ],
)
def test_every_imbalance_names_its_keys(sampled: list[str], rows: list[Row], fault: str) -> None:
    """Whatever is off, the error says how many keys, which kind, and the first of them."""
    with pytest.raises(JobError, match=rf"^the ledger does not balance: .* rows, {re.escape(fault)}; delete"):
        check_balance(sampled, ledger_with(rows))


def test_the_funnel_follows_the_stages() -> None:
    """Exits come in the order of the stages; within one, the rule that took most comes first."""
    found = funnel(ledger_with(ROWS))
    assert found == Funnel(
        sampled=7,
        kept=2,
        exits=(
            Exit("download", FAILED, "status", 1),
            Exit("filter", REJECTED, "word_repetition", 2),
            Exit("filter", REJECTED, "too_short", 1),
            Exit("verify", REJECTED, "apology", 1),
        ),
    )
    assert found.left_after == {"download": 6, "describe": 6, "filter": 3, "rewrite": 3, "verify": 2, "emit": 2}


deaths = st.tuples(
    st.sampled_from([REJECTED, FAILED]), st.sampled_from(["download", "review", "filter"]), st.sampled_from("abc")
)


@given(st.lists(st.none() | deaths, min_size=1, max_size=30))
def test_no_row_leaves_the_funnel_uncounted(fates: list[tuple[str, str, str] | None]) -> None:
    """Sampled is kept plus all exits, and what is left after the last stage is what is kept."""
    rows: list[Row] = [
        (f"k{n}", *fate, "because", None) if fate else (f"k{n}", None, None, None, None, None)
        for n, fate in enumerate(fates)
    ]
    ledger = ledger_with(rows)
    check_balance([row[0] for row in rows], ledger)
    found = funnel(ledger)
    assert found.sampled == len(rows) == found.kept + sum(e.rows for e in found.exits)
    assert found.kept == fates.count(None) == list(found.left_after.values())[-1]
