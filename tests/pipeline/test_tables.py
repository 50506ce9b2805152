"""What map stages do to a table: rows stay, in order; columns come; the dead are left alone."""

from __future__ import annotations

import pyarrow as pa
import pytest

from pipeline.schema import FAILED, OUTCOME, REJECTED, Verdict
from pipeline.tables import add_columns, alive_rows, drop_rows, rejection

DEAD: dict[str, object] = {
    "outcome": FAILED,
    "stage": "download",
    "rule": "http",
    "reason": "404: not found",
    "value": None,
}
ALIVE: dict[str, object] = dict.fromkeys(OUTCOME.names)
VERDICT = Verdict("too_short", failed=True, value=12.0, limit=50.0, reason="too_short 12 is below 50")


def table(*outcomes: dict[str, object]) -> pa.Table:
    """Rows "k0", "k1", ... with these OUTCOME columns."""
    schema = pa.schema([pa.field("key", pa.string(), nullable=False), *OUTCOME, pa.field("text", pa.string())])
    rows = [{"key": f"k{n}", **outcome, "text": f"t{n}"} for n, outcome in enumerate(outcomes)]
    return pa.Table.from_pylist(rows, schema=schema)


@pytest.mark.parametrize(
    ("rows", "alive"),
    [
        (table(ALIVE, DEAD, ALIVE), [0, 2]),
        (table(DEAD, DEAD), []),
        (table(ALIVE), [0]),
        (table(), []),
    ],
    ids=["mixed", "all dead", "all alive", "no rows"],
)
def test_a_row_without_an_outcome_is_alive(rows: pa.Table, alive: list[int]) -> None:
    """Rows are numbered from 0 in the order of the table."""
    assert alive_rows(rows) == alive


ADDED = pa.schema([pa.field("words", pa.list_(pa.string())), pa.field("tokens", pa.int32())])


def test_columns_are_appended_for_the_rows_that_have_values() -> None:
    """Others are null; types are the schema's; the columns there were stay as they were."""
    rows = table(ALIVE, DEAD, ALIVE)
    added = add_columns(rows, ADDED, [2, 0], [{"words": ["c"], "tokens": 3}, {"words": [], "tokens": 1}])
    assert added.select(rows.schema.names) == rows
    assert added.schema.names == [*rows.schema.names, "words", "tokens"]
    assert added.schema.field("tokens").type == pa.int32()
    assert added["words"].to_pylist() == [[], None, ["c"]]
    assert added["tokens"].to_pylist() == [1, None, 3]


def test_columns_are_appended_to_a_table_in_which_nobody_lives() -> None:
    """A shard whose rows are all dead gets the same schema as the others."""
    dead = add_columns(table(DEAD), ADDED, [], [])
    alive = add_columns(table(ALIVE), ADDED, [0], [{"words": [], "tokens": 1}])
    assert dead.schema.equals(alive.schema)
    assert dead["tokens"].to_pylist() == [None]


def test_a_value_too_few_is_a_bug() -> None:
    """Rows and values are paired, not cut to the shorter."""
    with pytest.raises(ValueError, match="shorter"):
        add_columns(table(ALIVE, ALIVE), ADDED, [0, 1], [{"words": [], "tokens": 1}])


def test_a_dropped_row_keeps_its_row_and_gets_a_reason() -> None:
    """Only the rows named change, and only in the OUTCOME columns; the schema is untouched."""
    rows = table(ALIVE, DEAD, ALIVE)
    dropped = drop_rows(rows, {2: rejection("filter", VERDICT)})
    assert dropped.schema.equals(rows.schema)
    assert dropped.slice(0, 2) == rows.slice(0, 2)
    assert dropped.slice(2).to_pylist() == [
        {
            "key": "k2",
            "outcome": REJECTED,
            "stage": "filter",
            "rule": "too_short",
            "reason": "too_short 12 is below 50",
            "value": 12.0,
            "text": "t2",
        }
    ]


def test_dropping_nothing_changes_nothing() -> None:
    """A shard without a reject goes on as it came."""
    assert drop_rows(table(ALIVE, DEAD), {}) == table(ALIVE, DEAD)
