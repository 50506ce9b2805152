"""The account of a download: what was asked for, what came, what did not and why, and what it cost.

Written beside the pictures, not with them: seconds differ from run to run, and no later stage shall depend on them.
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from dataclasses import asdict
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pyarrow as pa

from pipeline.errors import JobError
from pipeline.fetch.failures import KINDS
from pipeline.fetch.loopback import is_local
from pipeline.fetch.results import FETCH
from pipeline.fetch.rounds import DOWNLOADED, Collection
from pipeline.parquet import write_tables

FETCHES = pa.schema([*(DOWNLOADED.field(name) for name in ("key", "url", "outcome", "rule", "reason")), *FETCH])
EXAMPLES = 3  # addresses named for each kind of failure
SLOWEST = 5  # hosts


def write_account(collection: Collection, seconds: float, folder: Path, size: int) -> None:
    """Write <name>.json (the account) and <name>.parquet (FETCHES, a row a candidate) to `folder`.

    `seconds` is the wall time of this run, `size` how many rows are in memory at once.
    """
    write_tables(collection.tables(FETCHES, size), FETCHES, folder / f"{collection.name}.parquet")
    account = account_of(collection, seconds, size)
    (folder / f"{collection.name}.json").write_text(json.dumps(account, indent=1) + "\n", encoding="utf-8")


def account_of(collection: Collection, seconds: float, size: int) -> dict[str, Any]:
    """The account as nested numbers."""
    lost: Counter[tuple[str, str]] = Counter()
    examples: dict[tuple[str, str], list[str]] = defaultdict(list)
    hosts: dict[str, list[float]] = defaultdict(lambda: [0, 0.0])  # addresses, seconds
    total = 0
    for row in (row for table in collection.tables(FETCHES, size) for row in table.to_pylist()):
        if row["outcome"]:
            cause = (row["outcome"], row["rule"])
            lost[cause] += 1
            if lost[cause] <= EXAMPLES:
                examples[cause].append(f"{row['url']}: {row['reason']}")
        if row["seconds"] is not None:
            total += row["bytes"]
            host = hosts["the corpus" if is_local(row["url"]) else urlsplit(row["url"]).hostname or ""]
            host[0] += 1
            host[1] += row["seconds"]
    slowest = sorted(hosts.items(), key=lambda item: -item[1][1] / item[1][0])[:SLOWEST]
    return {
        "wanted": collection.wanted,
        "candidates": int(collection.rows.num_rows),
        "drawn": collection.drawn,
        "pictures": collection.good,
        "yield": collection.good / collection.drawn if collection.drawn else 0.0,
        "rounds": [asdict(each) for each in collection.rounds],
        "lost": [
            {"outcome": cause[0], "rule": cause[1], "rows": rows, "examples": examples[cause]}
            for cause, rows in lost.most_common()
        ],
        "bytes": total,
        "last_run": {"asked": collection.asked, "seconds": seconds},
        "slowest_hosts": [
            {"host": host, "addresses": int(count), "mean_seconds": time / count} for host, (count, time) in slowest
        ],
    }


def to_text(name: str, account: dict[str, Any]) -> str:
    """The account for a person to read."""
    drawn = f"{account['drawn']} of {account['candidates']} candidates ({account['yield']:.0%} good)"
    lines = [f"{name}: {account['pictures']} of {account['wanted']} pictures, from {drawn}"]
    for number, each in enumerate(account["rounds"], 1):
        guess = "" if each["share"] is None else f", expecting {each['share']:.0%} good"
        lines.append(f"  round {number}: {each['drawn']} drawn{guess}; {each['good']} pictures by its end")
    for lost in account["lost"]:
        lines.append(f"  {lost['rows']:>6} {lost['outcome']} by {lost['rule']}: {KINDS[lost['rule']].meaning}")
        lines += [f"         {example}" for example in lost["examples"]]
    asked, seconds = account["last_run"]["asked"], account["last_run"]["seconds"]
    lines.append(
        f"  {account['bytes'] / 1e6:.1f} MB in all; the last run asked {asked} addresses in {seconds:.0f} s "
        f"({asked / max(seconds, 1e-9):.1f} a second)"
    )
    lines += [
        f"  slow: {each['host']}, {each['mean_seconds']:.2f} s on average over {each['addresses']} addresses"
        for each in account["slowest_hosts"]
    ]
    return "\n".join(lines)


def read_account(path: Path) -> dict[str, Any]:
    """What `write_account` wrote. Raises JobError where there is none."""
    try:
        account: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise JobError(f"{path} does not exist: nothing has been downloaded yet; run `pairmill download`") from None
    except ValueError:
        raise JobError(f"{path} is no account of a download; run `pairmill download` again") from None
    return account
