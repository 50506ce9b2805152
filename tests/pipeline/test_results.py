"""Results in the work folder: found again after a kill, never of another policy, forgotten when they are not settled."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import pyarrow as pa
import pytest

from pipeline.fetch.results import RESULT, Results


def batch(keys: Iterable[str], rule: str | None = None) -> pa.Table:
    """Results of these keys: pictures, or failures by one rule."""
    picture = {"image": {"bytes": b"jpeg", "path": "p"}, "sha256": "s", "source_sha256": "o", "phash": "0" * 16}
    failure = {"rule": rule, "reason": f"it was {rule}"}
    rows = [{"key": key, **({**picture, "width": len(key)} if rule is None else failure)} for key in keys]
    return pa.Table.from_pylist(rows, schema=RESULT)


def test_results_are_found_again(tmp_path: Path) -> None:
    """A new process knows what an old one kept, and gives it in the order asked for, across batches."""
    results = Results(tmp_path, "f")
    results.add(batch(["a", "bb"]))
    results.add(batch(["ccc"], "http_404"))
    again = Results(tmp_path, "f")
    assert again.known == results.known
    assert {key: known.rule for key, known in again.known.items()} == {"a": None, "bb": None, "ccc": "http_404"}
    table = again.table(["ccc", "bb", "a", "bb"])
    assert table.schema.equals(RESULT)
    assert table["key"].to_pylist() == ["ccc", "bb", "a", "bb"]
    assert table["width"].to_pylist() == [None, 2, 1, 2]
    assert again.table([]).num_rows == 0


def test_what_another_policy_or_a_killed_run_has_left_is_removed(tmp_path: Path) -> None:
    """Nothing but whole batches of this fingerprint stays in the folder."""
    Results(tmp_path, "old").add(batch(["a"]))
    (tmp_path / ".batch-000003.f.parquet.17.tmp").write_bytes(b"PAR1")
    (tmp_path / "attempt-x/out").mkdir(parents=True)
    assert Results(tmp_path, "f").known == {}
    assert list(tmp_path.iterdir()) == []


def test_a_damaged_batch_is_asked_again(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """It is named and removed; the others stay."""
    results = Results(tmp_path, "f")
    results.add(batch(["a"]))
    results.add(batch(["b"]))
    path = results.known["a"].batch
    path.write_bytes(path.read_bytes()[:-9])
    assert set(Results(tmp_path, "f").known) == {"b"}
    assert f"{path} is damaged; its addresses are asked again" in capsys.readouterr().err
    assert not path.exists()


def test_what_is_forgotten_is_gone_and_all_else_is_kept(tmp_path: Path) -> None:
    """In memory and on disk alike; rows behind a forgotten one are still found."""
    results = Results(tmp_path, "f")
    results.add(pa.concat_tables([batch(["a"]), batch(["b"], "dns"), batch(["cc"])]))
    results.add(batch(["d"], "http_404"))
    results.add(batch(["e"], "dns"))
    assert results.table(["cc"])["width"].to_pylist() == [2]
    results.forget({"b"})
    for each in (results, Results(tmp_path, "f")):
        assert set(each.known) == {"a", "cc", "d", "e"}
        assert each.table(["cc", "a"])["key"].to_pylist() == ["cc", "a"]


def test_a_batch_after_a_restart_takes_no_others_place(tmp_path: Path) -> None:
    """Also where an earlier one is gone."""
    first = Results(tmp_path, "f")
    first.add(batch(["a"]))
    first.add(batch(["b"]))
    first.known["a"].batch.unlink()
    again = Results(tmp_path, "f")
    again.add(batch(["c"]))
    assert set(Results(tmp_path, "f").known) == {"b", "c"}
