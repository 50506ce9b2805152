"""From addresses to results: pictures are fetched or read, checked one by one, and kept batch by batch."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from pathlib import Path

import pyarrow as pa
from tqdm import tqdm

from pipeline.budget import PixelBudget
from pipeline.fetch.attempt import Reach, Watch, fetch_addresses
from pipeline.fetch.cliff import Cliff, NetworkDownError
from pipeline.fetch.failures import Failure, is_network
from pipeline.fetch.log import Ended
from pipeline.fetch.loopback import Loopback
from pipeline.fetch.results import RESULT, Results
from pipeline.params import DownloadParams
from pipeline.pictures import Picture, to_picture
from pipeline.sources.webdataset import SCHEME, read_pictures

DECODERS = 8  # threads, each of which holds a body of up to max_bytes while it waits for its pixels
NOT_STORED = Failure("not_stored", "the shard holds no such picture")

Answers = Mapping[str, Path | bytes | Failure]


class Asker:
    """Brings pictures: over the net by img2dataset, and out of shards that somebody has fetched before.

    One for a whole run: a network that dies is noticed over rounds and samples.
    """

    def __init__(self, params: DownloadParams, loopback: Loopback, trusted: Sequence[str], stored: Path) -> None:
        """Ask `loopback` for this machine's own files, and read shards from the folder `stored`.

        `trusted` names the "IP:PORT" of servers that need no public address.
        """
        self.params = params
        self._loopback = loopback
        self._trusted = tuple(trusted)
        self._stored = stored
        self._budget = PixelBudget(params.max_pixels)
        self._cliff = Cliff(params.cliff, loopback.address)
        self._asked: list[tuple[Results, set[str]]] = []  # in this run

    def ask(self, urls: Mapping[str, str], results: Results, bar: tqdm[None]) -> None:
        """Fetch and check every address (by key) that has no result yet, and keep what came.

        Raises NetworkDownError when the network dies: what has failed for its sake in this run is forgotten, all
        else is kept; JobError when img2dataset itself fails.
        """
        missing = {key: url for key, url in urls.items() if key not in results.known}
        self._asked.append((results, set(missing)))
        told: dict[str, Ended] = {}
        came = 0

        def watch(ended: Ended) -> None:
            bar.update(ended.url not in told)
            told[ended.url] = ended
            self._cliff(ended)

        try:
            for answers in self._answers(missing, results.folder, watch):
                facts = {key: told.get(self._http(missing[key])) for key in answers}
                table = self._checked(answers, facts)
                results.add(table)
                came += table["rule"].null_count
                bar.set_postfix_str(f"{came} pictures came", refresh=False)
                bar.update(sum(fact is None for fact in facts.values()))  # of which the log says nothing
        except NetworkDownError:
            for asked, keys in self._asked:
                asked.forget({key for key in keys & asked.known.keys() if is_network(asked.known[key].rule or "")})
            raise

    def _http(self, url: str) -> str:
        return self._loopback.urls.get(url, url)

    def _answers(self, urls: Mapping[str, str], work: Path, watch: Watch) -> Iterator[Answers]:
        stored = {key: url for key, url in urls.items() if url.startswith(SCHEME)}
        yield from self._read(stored)
        linked = {key: self._http(url) for key, url in urls.items() if key not in stored}
        reach = Reach(self._trusted, self._loopback.address)
        if linked:
            yield from fetch_addresses(linked, work, self.params, reach, watch)

    def _read(self, urls: Mapping[str, str]) -> Iterator[Answers]:
        keys = {url: key for key, url in urls.items()}
        batch: dict[str, bytes | Failure] = {}
        for url, data in read_pictures(self._stored, list(keys)):
            batch[keys[url]] = self._bounded(data) if data else NOT_STORED
            if len(batch) == self.params.shard_rows:
                yield batch
                batch = {}
        if batch:
            yield batch

    def _bounded(self, data: bytes) -> bytes | Failure:
        most = self.params.max_bytes
        return data if len(data) <= most else Failure("too_many_bytes", f"{len(data)} bytes, {most} are the most")

    def _checked(self, answers: Answers, facts: Mapping[str, Ended | None]) -> pa.Table:
        """A table of RESULT: each answer's picture, or why it is none."""

        def check(answer: Path | bytes | Failure) -> Picture | Failure:
            if isinstance(answer, Failure):
                return answer
            data = answer.read_bytes() if isinstance(answer, Path) else answer
            return to_picture(data, self.params, self._budget)

        with ThreadPoolExecutor(min(os.cpu_count() or 1, DECODERS)) as pool:  # Pillow decodes outside the GIL
            found = list(pool.map(check, answers.values()))
        rows = zip(answers, found, strict=True)
        return pa.Table.from_pylist([_row(key, result, facts[key]) for key, result in rows], schema=RESULT)


def _row(key: str, result: Picture | Failure, ended: Ended | None) -> dict[str, object]:
    cost = {"bytes": ended.bytes, "seconds": ended.seconds, "tries": ended.tries} if ended else {}
    if isinstance(result, Failure):
        return {"key": key, **asdict(result), **cost}
    return {
        "key": key,
        "image": {"bytes": result.data, "path": f"{key}.jpg"},
        "width": result.width,
        "height": result.height,
        "sha256": result.sha256,
        "source_sha256": result.source_sha256,
        "phash": result.phash,
        "layout": result.layout,
        **cost,
    }
