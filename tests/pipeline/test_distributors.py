"""img2dataset's distributors: what they need, and that the guard goes where they take it."""

from __future__ import annotations

import importlib.util
import pickle
import shutil
from importlib.machinery import ModuleSpec
from pathlib import Path

import pytest

from pipeline.errors import UsageError
from pipeline.fetch.attempt import Reach, fetch_addresses
from pipeline.fetch.downloader import GuardedDownloader, check_distributor
from pipeline.fetch.failures import Failure
from pipeline.params import DownloadParams, load_params
from tests.pipeline.misbehaving import JPEG, serving
from tests.pipeline.net import policy


@pytest.mark.parametrize("name", ["ray", "pyspark"])
def test_a_missing_package_is_named_with_its_extra(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """img2dataset itself would end well, having done nothing."""
    monkeypatch.setattr("pipeline.fetch.downloader.find_spec", lambda _: None)
    with pytest.raises(UsageError, match=rf'{name} is not installed; run pip install "pairmill\[{name}\]"'):
        check_distributor(name)
    check_distributor("multiprocessing")


def test_spark_without_java_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """Spark's own words would be a traceback."""
    monkeypatch.setattr("pipeline.fetch.downloader.find_spec", lambda name: ModuleSpec(name, None))
    monkeypatch.delenv("JAVA_HOME", raising=False)
    monkeypatch.setenv("PATH", "")
    with pytest.raises(UsageError, match="needs Java"):
        check_distributor("pyspark")
    check_distributor("ray")


def test_the_guard_travels_by_name(tmp_path: Path) -> None:
    """Its pickle is a reference to a module that any worker can import, and the policy."""
    guarded = GuardedDownloader(print, policy(tmp_path))  # type: ignore[arg-type]
    assert b"pipeline.fetch.downloader" in pickle.dumps(guarded)
    assert pickle.loads(pickle.dumps(guarded)).policy == policy(tmp_path)  # noqa: S301 - our own


@pytest.fixture
def params(root: Path) -> DownloadParams:
    """Two shards of two addresses."""
    update = {"shard_rows": 2, "processes": 2, "retries": 0, "shard_deadline": 120}
    return load_params("embedded", root).download.model_copy(update=update)


@pytest.mark.parametrize("name", ["ray", "pyspark"])  # multiprocessing: see test_hostile
def test_the_workers_of_each_distributor_are_guarded(name: str, params: DownloadParams, tmp_path: Path) -> None:
    """What is trusted comes; the same machine on another port is never asked."""
    if importlib.util.find_spec(name) is None:
        pytest.skip(f"{name} is an extra")
    if name == "pyspark" and shutil.which("java") is None:
        pytest.skip("Spark needs Java")
    with serving({}) as server, serving({}) as secret:
        urls = {"a": f"http://{server.address}/a", "b": f"http://{secret.address}/b", "c": "file:///etc/passwd"}
        urls |= {"d": f"http://{server.address}/d"}
        ends: dict[str, str | bytes] = {}
        chosen = params.model_copy(update={"distributor": name})
        reach = Reach(trusted=(server.address,))
        for answers in fetch_addresses(urls, tmp_path, chosen, reach, watch=lambda _: None):
            for key, answer in answers.items():
                ends[key] = answer.rule if isinstance(answer, Failure) else answer.read_bytes()
        assert ends == {"a": JPEG, "b": "blocked_address", "c": "blocked_scheme", "d": JPEG}
        assert secret.asked == {}
