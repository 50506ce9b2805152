"""The stage, real img2dataset in it, against every kind of answer in `hostile`, on a net that ends at this machine."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from pipeline.fetch.failures import KINDS
from pipeline.fetch.log import Ended, Log
from pipeline.params import Params, load_params
from pipeline.parquet import list_shards, read_table
from stages.download import download
from tests.pipeline import hostile
from tests.pipeline.hostile import CASES, MAX_BYTES, MAX_REDIRECTS, NAMES, PUBLIC, TLS, Case, jpeg
from tests.pipeline.misbehaving import Server, closed_port, serving
from tests.pipeline.net import Certificate, Net, can_make_certificates
from tests.pipeline.picture_server import candidates

TOTAL = 3  # seconds for one address
MOST_MEMORY = 700  # MB, of any process
WITH_TLS = can_make_certificates()
ALL = [*CASES, *(TLS if WITH_TLS else ())]
NEVER_ASKED = {"no-scheme"}  # img2dataset itself stumbles over it


@dataclass(frozen=True)
class Outcome:
    """What one run over all cases left behind."""

    rows: dict[str, dict[str, Any]]  # of the stage's table, by case
    log: dict[str, Ended]  # by case
    lines: int  # of the log
    net: Net
    server: Server
    secret: Server
    allowed: set[str]  # "IP PORT"


@pytest.fixture(scope="module")
def params(root: Path) -> Params:
    """Little patience, one retry, all in one shard."""
    loaded = load_params("embedded", root)
    bounds = {"timeout": 1, "total_timeout": TOTAL, "max_bytes": MAX_BYTES, "max_redirects": MAX_REDIRECTS}
    manners = {"threads": 48, "retries": 1, "max_pause": 2, "user_agent": "pairmill", "cliff": None}
    download = loaded.download.model_copy(update={**bounds, **manners, "shard_rows": len(ALL)})
    sample = loaded.sample.model_copy(update={"pictures": len(ALL)})
    return loaded.model_copy(update={"download": download, "sample": sample})


@pytest.fixture(scope="module")
def outcome(params: Params, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Outcome]:
    """One run over every case."""
    folder = tmp_path_factory.mktemp("hostile")
    net = Net(folder)
    with ExitStack() as stack:
        server = stack.enter_context(serving(hostile.answers()))
        secret = stack.enter_context(serving({}))
        server.places |= {"secret": str(secret.server_port)}
        ports = {"port": server.server_port, "closed": closed_port()}
        variables = net.environment(NAMES)
        if WITH_TLS:
            known, unknown = (Certificate.make(folder / name, f"{name}.test") for name in ("secure", "self-signed"))
            ports["tls"] = stack.enter_context(serving(hostile.answers(), known.server_context())).server_port
            ports["self_signed"] = stack.enter_context(serving({}, unknown.server_context())).server_port
            variables["SSL_CERT_FILE"] = str(known.path)
        places = {"server": server.address, "secret": secret.server_port, **ports}
        urls = {case.name: case.url.format(name=case.name, **places) for case in ALL}
        trusted = [f"127.0.0.1:{port}" for port in ports.values()]
        patch = stack.enter_context(pytest.MonkeyPatch.context())
        for name, value in variables.items():
            patch.setenv(name, value)
        watched: list[Ended] = []
        listen = Log.news

        def news(log: Log) -> list[Ended]:
            heard = listen(log)
            watched.extend(heard)
            return heard

        patch.setattr(Log, "news", news)  # the attempt's folder goes with it
        samples = {"curate": candidates(urls.values())}
        download(params, samples, outputs=folder, work=folder / "work", trusted=trusted)
        (table,) = list_shards(folder / "download/curate")
        rows = dict(zip(urls, read_table(table).to_pylist(), strict=True))
        by_url = {ended.url: ended for ended in watched}
        log = {name: by_url[url] for name, url in urls.items() if url in by_url}
        allowed = {f"127.0.0.1 {port}" for port in ports.values()}
        allowed |= {f"{PUBLIC} {port}" for port in (80, secret.server_port)}
        yield Outcome(rows, log, len(watched), net, server, secret, allowed)


@pytest.mark.parametrize("case", [pytest.param(case, id=case.name) for case in ALL])
def test_every_kind_of_answer_ends_under_its_name(outcome: Outcome, case: Case) -> None:
    """In the log under what the net did, in the table also under what the picture is."""
    row = outcome.rows[case.name]
    assert row["rule"] == case.staged, row["reason"]
    assert (row["outcome"] is None) == (row["rule"] is None)
    if case.fetched is not None:
        assert row["rule"] == case.fetched
        assert row["image"] is None
    if case.name not in NEVER_ASKED:
        ended = outcome.log[case.name]
        assert (ended.rule or None) == case.fetched, ended
        assert bool(ended.reason) == bool(ended.rule)


def test_the_table_is_large_and_names_only_what_the_taxonomy_knows() -> None:
    """At least forty kinds of answer, each under a name of its own."""
    names = [case.name for case in (*CASES, *TLS)]
    assert len(names) == len(set(names)) >= 40
    assert {rule for case in (*CASES, *TLS) for rule in (case.fetched, case.staged) if rule} <= KINDS.keys()


def test_every_address_is_one_line_of_the_log(outcome: Outcome) -> None:
    """No address is lost and none stands there twice, whatever became of it."""
    assert outcome.lines == len(outcome.log) == len(ALL) - len(NEVER_ASKED)


def test_no_address_takes_longer_than_its_total_limit(outcome: Outcome) -> None:
    """One second is for the machine; the drips would go on for ever."""
    late = {name: ended.seconds for name, ended in outcome.log.items() if ended.seconds > TOTAL + 1}
    assert late == {}


def test_nothing_is_connected_to_but_what_is_allowed(outcome: Outcome) -> None:
    """Told at the connect call itself: the trusted ports, and public addresses, which answer nobody here."""
    assert outcome.net.connections() <= outcome.allowed
    assert f"{PUBLIC} 80" in outcome.net.connections()  # the record works
    assert outcome.secret.asked == {}


def test_no_process_takes_much_memory(outcome: Outcome) -> None:
    """Neither a body without end nor one that unpacks to more is held."""
    peaks = outcome.net.peaks()
    assert len(peaks) >= 2  # img2dataset and its worker at least
    assert max(peaks) < MOST_MEMORY


def test_bytes_come_as_they_were_sent(outcome: Outcome) -> None:
    """Chunks are joined, coded content is left coded, redirects lead to the right picture."""
    sent = {
        "jpeg": 1,
        "no-length": 11,
        "chunked": 12,
        "interim": 14,
        "moved": 15,
        "as-far-as-allowed": 16,
        "spaces": 18,
    }
    for name, seed in sent.items():
        assert outcome.rows[name]["source_sha256"] == sha256(jpeg(seed)).hexdigest()
        assert outcome.log[name].bytes == len(jpeg(seed))


def test_what_cannot_heal_is_asked_once_and_what_may_heal_again(outcome: Outcome) -> None:
    """One retry is allowed here; a host that wants to be left alone for an hour is."""
    tries = {name: ended.tries for name, ended in outcome.log.items()}
    once = "jpeg 403 404 410 429-an-hour 429-until 503-an-hour noai announced loop private".split()
    assert {name: tries[name] for name in once} == dict.fromkeys(once, 1)
    twice = "429 429-patient 500 503 reset short refused hangs busy-for-a-moment reset-once".split()
    assert {name: tries[name] for name in twice} == dict.fromkeys(twice, 2)
    assert outcome.server.asked["/404"] == 1
    assert outcome.server.asked["/503"] == 2


def test_every_request_says_who_asks_and_no_more(outcome: Outcome) -> None:
    """Our name in place of img2dataset's browser, no password of the address, no compression."""
    head = outcome.server.heads["/user-name"]
    assert head["User-Agent"] == "pairmill"
    assert head["Accept-Encoding"] == "identity"
    assert head["Accept"] == "image/*"
    assert head["Host"] == f"user-name.test:{outcome.server.server_port}"
    assert set(head) == {"Host", "User-Agent", "Accept", "Accept-Encoding", "Connection"}
