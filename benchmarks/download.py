"""python -m benchmarks.download --pictures 2000

Bare img2dataset against the stage `download`, which puts a guard around it and checks every picture, on the same good
pictures from a server on this machine: both fetch, decode, shrink to 256 pixels and write JPEGs into Parquet. They
take turns; the table gives medians over the runs.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import BytesIO
from multiprocessing.connection import Connection
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from PIL import Image

from pipeline.errors import JobError
from pipeline.params import load_params
from pipeline.parquet import list_shards, read_table
from pipeline.schema import CANDIDATE
from stages.download import download

SIZE = (640, 480)  # pixels; about 60 kB as JPEG, like a picture on the web
BARE = "import json, sys, img2dataset; img2dataset.download(**json.loads(sys.argv[1]))"


def make_picture(number: int) -> bytes:
    """A JPEG that resembles no other: coarse noise, enlarged, with fine noise on top."""
    rng = np.random.default_rng(number)
    coarse = Image.fromarray(rng.integers(0, 255, (12, 16, 3), dtype=np.uint8)).resize(SIZE, Image.Resampling.BICUBIC)
    fine = rng.integers(-12, 12, (SIZE[1], SIZE[0], 1))
    stream = BytesIO()
    Image.fromarray(np.clip(np.asarray(coarse) + fine, 0, 255).astype(np.uint8)).save(stream, "JPEG", quality=85)
    return stream.getvalue()


class _Handler(BaseHTTPRequestHandler):
    pictures: list[bytes] = []  # noqa: RUF012 - filled once, in the server's own process

    def do_GET(self) -> None:
        body = self.pictures[int(self.path.removeprefix("/").removesuffix(".jpg"))]
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


class _Server(ThreadingHTTPServer):
    request_queue_size = 128


def _serve(pictures: int, ready: Connection) -> None:
    _Handler.pictures = [make_picture(number) for number in range(pictures)]
    with _Server(("127.0.0.1", 0), _Handler) as server:
        ready.send(server.server_port)
        server.serve_forever()


@contextmanager
def serving(pictures: int) -> Iterator[str]:
    """A server with that many pictures in a process of its own; yields its IP:PORT."""
    ours, theirs = multiprocessing.Pipe()
    process = multiprocessing.get_context("spawn").Process(target=_serve, args=(pictures, theirs), daemon=True)
    process.start()
    try:
        yield f"127.0.0.1:{ours.recv()}"
    finally:
        process.kill()


def run_bare(urls: list[str], folder: Path, processes: int, threads: int) -> None:
    """img2dataset as it comes: shrink, encode, write Parquet."""
    pq.write_table(pa.table({"url": urls, "caption": ["a"] * len(urls)}), folder / "urls.parquet")
    arguments = {
        "url_list": str(folder / "urls.parquet"),
        "input_format": "parquet",
        "caption_col": "caption",
        "output_folder": str(folder / "out"),
        "output_format": "parquet",
        "image_size": 256,
        "resize_mode": "keep_ratio_largest",
        "resize_only_if_bigger": True,
        "encode_quality": 95,
        "number_sample_per_shard": 250,
        "processes_count": processes,
        "thread_count": threads,
        "enable_wandb": False,
    }
    with (folder / "log").open("wb") as log:
        subprocess.run([sys.executable, "-c", BARE, json.dumps(arguments)], check=True, stdout=log, stderr=log)
    came = sum(pq.read_metadata(path).num_rows for path in (folder / "out").glob("*.parquet"))
    if came != len(urls):
        raise JobError(f"img2dataset wrote {came} of {len(urls)} rows: {(folder / 'log').read_text()[-500:]}")


def run_guarded(urls: list[str], folder: Path, processes: int, threads: int, address: str) -> None:
    """The stage, over the same addresses, with the paper profile's params."""
    params = load_params("paper")
    tuned = {"processes": processes, "threads": threads, "per_host": processes * threads}
    params = params.model_copy(
        update={
            "download": params.download.model_copy(update=tuned),
            "sample": params.sample.model_copy(update={"pictures": len(urls)}),
        }
    )
    rows = [{"key": sha256(url.encode()).hexdigest()[:16], "url": url, "caption": "a"} for url in urls]
    samples = {"curate": pa.Table.from_pylist(rows, schema=CANDIDATE)}
    download(params, samples, outputs=folder, work=folder / "work", trusted=[address])
    shards = [read_table(path, ["outcome"]) for path in list_shards(folder / "download/curate")]
    came = sum(shard["outcome"].null_count for shard in shards)
    if came != len(urls):
        raise JobError(f"{came} of {len(urls)} pictures came")


def main(argv: Sequence[str] | None = None) -> int:
    """Measure and print; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pictures", type=int, default=2000)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--processes", type=int, default=os.cpu_count())
    parser.add_argument("--threads", type=int, default=16)
    flags = parser.parse_args(argv)
    seconds: dict[str, list[float]] = {"bare img2dataset": [], "download": []}
    with serving(flags.pictures) as address:
        urls = [f"http://{address}/{number}.jpg" for number in range(flags.pictures)]
        for run in range(flags.runs):
            for way, times in seconds.items():
                folder = Path(tempfile.mkdtemp(prefix="pairmill-"))
                began = time.monotonic()
                if way == "download":
                    run_guarded(urls, folder, flags.processes, flags.threads, address)
                else:
                    run_bare(urls, folder, flags.processes, flags.threads)
                times.append(time.monotonic() - began)
                print(f"run {run + 1}: {way}: {times[-1]:.1f} s", flush=True)
                shutil.rmtree(folder)
    medians = {way: statistics.median(times) for way, times in seconds.items()}
    print(
        f"\n{flags.pictures} pictures of {SIZE[0]} x {SIZE[1]}; {flags.processes} processes of {flags.threads} threads"
    )
    print("\n| way | seconds | pictures/s | x bare |\n|---|---|---|---|")
    for way, median in medians.items():
        ratio = median / medians["bare img2dataset"]
        print(f"| {way} | {median:.1f} | {flags.pictures / median:.0f} | {ratio:.2f} |")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
