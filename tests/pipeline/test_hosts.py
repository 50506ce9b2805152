"""Politeness: so many requests to a host at once and no more, and none while it wants to be left alone."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from pipeline.fetch.hosts import Hosts

PER_HOST = 2
HOLD = """
import sys, time
from pathlib import Path
from pipeline.fetch.hosts import Hosts
with Hosts(Path(sys.argv[1]), 1, 1.0).turn("a.test"):
    print("held", flush=True)
    time.sleep(600)
"""


@pytest.fixture
def hosts(tmp_path: Path) -> Hosts:
    """Two requests to a host at once."""
    return Hosts(tmp_path, PER_HOST, max_pause=2.0)


class Meter:
    """Counts how many are inside at once."""

    def __init__(self) -> None:
        self.now = self.most = 0
        self.lock = threading.Lock()

    def __enter__(self) -> None:
        with self.lock:
            self.now += 1
            self.most = max(self.most, self.now)

    def __exit__(self, *_: object) -> None:
        with self.lock:
            self.now -= 1


def test_no_host_gets_more_than_its_share_at_once(hosts: Hosts, tmp_path: Path) -> None:
    """Threads that share nothing but the folder, as those of other processes do, keep to it too."""
    meter = Meter()
    others = Hosts(tmp_path, PER_HOST, max_pause=2.0)

    def ask(number: int) -> None:
        with (hosts, others)[number % 2].turn("a.test"), meter:
            time.sleep(0.01)

    with ThreadPoolExecutor(12) as pool:
        list(pool.map(ask, range(48)))
    assert meter.most == PER_HOST


def test_hosts_do_not_wait_for_each_other(hosts: Hosts) -> None:
    """A host is told by its name, a dot at its end or not."""
    with hosts.turn("a.test"), hosts.turn("b.test"), hosts.turn("a.test"), hosts.turn("b.test"):
        assert not blocked(hosts, "c.test")
        assert blocked(hosts, "a.test.")


def blocked(hosts: Hosts, host: str) -> bool:
    """Whether a turn of a host is not to be had at present."""
    taken = threading.Event()

    def take() -> None:
        with hosts.turn(host):
            taken.set()

    threading.Thread(target=take, daemon=True).start()
    return not taken.wait(0.3)


def test_a_killed_process_holds_nothing(tmp_path: Path) -> None:
    """The kernel drops its lock with it."""
    holder = subprocess.Popen([sys.executable, "-c", HOLD, str(tmp_path)], stdout=subprocess.PIPE)
    assert holder.stdout is not None
    assert holder.stdout.readline() == b"held\n"
    alone = Hosts(tmp_path, 1, max_pause=1.0)
    assert blocked(alone, "a.test")
    holder.kill()
    holder.communicate()
    with alone.turn("a.test") as waited:
        assert waited < 60


def test_a_pause_is_everybodys_and_is_waited_for(hosts: Hosts, tmp_path: Path) -> None:
    """Another process sees it; another host does not."""
    with hosts.turn("a.test"):
        hosts.pause("a.test", 0.5)
    with hosts.turn("b.test"):
        pass
    began = time.time()
    with Hosts(tmp_path, PER_HOST, max_pause=2.0).turn("a.test") as waited:
        assert waited > 0.2
        assert time.time() - began >= 0.2
    with hosts.turn("a.test") as waited:
        assert waited < 0.2


def until(folder: Path) -> float:
    """Seconds from now for which the one host of a folder is to be left alone."""
    (first,) = folder.glob("*.0")
    return first.stat().st_mtime - time.time()


@pytest.mark.parametrize(
    ("pauses", "least", "most"), [([3600.0], 1.0, 2.0), ([1.5, 0.1], 1.0, 1.5), ([0.1, 1.5], 1.0, 1.5)]
)
def test_a_pause_is_capped_and_never_cut_short(
    hosts: Hosts, tmp_path: Path, pauses: list[float], least: float, most: float
) -> None:
    """An hour becomes `max_pause`; a second answer that asks for less changes nothing."""
    with hosts.turn("a.test"):
        for seconds in pauses:
            hosts.pause("a.test", seconds)
    assert least < until(tmp_path) <= most


def test_nothing_is_kept_open_or_in_mind(hosts: Hosts) -> None:
    """Millions of hosts pass through one process."""
    before = len(list(Path("/dev/fd").iterdir()))
    for number in range(50):
        with hosts.turn(f"{number}.test"):
            pass
    with pytest.raises(ZeroDivisionError), hosts.turn("a.test"):
        1 / 0  # noqa: B018
    assert len(list(Path("/dev/fd").iterdir())) == before
    assert not hosts._looking
    assert not hosts._queues
