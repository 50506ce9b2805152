"""python -m benchmarks.generation

How fast pictures are described, both passes: one at a time (as MiniGPT-4's demo does it), in plain batches that wait
for their longest row, and by pairmill's decode loop. Same weights, same pictures, same token limits, side by side
in each run; medians over the runs. Prints a Markdown table. --verify compares the tokens instead, in float32.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from statistics import median

import torch

from benchmarks.ceilings import Ceilings, Meter, Work, forget_peak, measure_ceilings, peak, timed
from benchmarks.verify import verify
from benchmarks.workload import WORKLOADS, Workload, draw_limits
from pipeline.generation.beams import Generator
from pipeline.generation.decoding import Decoder, Turn

ALONE, PLAIN, LOOP = "one at a time", "plain batches", "decode loop"


@dataclass(frozen=True)
class Run:
    """One way of generating, once."""

    seconds: float
    pictures: int
    tokens: int
    work: Work
    peak: int


def describe(workload: Workload, rows: Sequence[int], answerer: Decoder | Generator) -> int:
    """Both passes over these pictures; returns how many tokens were generated."""
    conversations = workload.conversations(rows)
    finished = workload.finished(conversations)
    tokens = 0

    def take(place: int, ids: list[int]) -> Turn | None:
        nonlocal tokens
        tokens += len(ids)
        turn = finished(place, ids)
        return turn and replace(turn, limit=workload.limits[rows[place]][1])

    turns = [Turn(c, workload.limits[row][0]) for c, row in zip(conversations, rows, strict=True)]
    answerer.run(turns, rows, take)
    return tokens


def one_at_a_time(workload: Workload, rows: Sequence[int]) -> int:
    """Each picture by itself from its encoding on, as the demo does it; returns the tokens generated."""
    params = workload.params.model_copy(update={"batch_size": 1})
    return sum(describe(workload, [row], Generator(workload.vlm, params)) for row in rows)


def plain_batches(workload: Workload, size: int, rows: Sequence[int]) -> int:
    """`generate` on batches of `size`: the first pass of all pictures, then the second from its beginning."""
    return describe(workload, rows, Generator(workload.vlm, workload.params.model_copy(update={"batch_size": size})))


def decode_loop(workload: Workload, size: int, rows: Sequence[int]) -> int:
    """The decode loop, `size` rows in flight."""
    return describe(workload, rows, Decoder(workload.vlm, workload.params.model_copy(update={"batch_size": size})))


def measure(workload: Workload, rows: Sequence[int], generate: Callable[[Sequence[int]], int]) -> Run:
    """Do it once, and look at what it takes."""
    device, tokens = workload.vlm.llm.device, list[int]()
    forget_peak(device)
    with Meter(workload.vlm.llm) as work:
        seconds = timed(lambda: tokens.append(generate(rows)), device)
    return Run(seconds, len(rows), tokens[0], work, peak(device))


def compare(workload: Workload, sizes: Sequence[int], alone: int, runs: int) -> dict[str, list[Run]]:
    """Every way of generating in turn, `runs` times over. One at a time takes `alone` other pictures each time."""
    everything = range(len(workload.limits))
    ways: dict[str, Callable[[Sequence[int]], int]] = {ALONE: partial(one_at_a_time, workload)}
    for size in sizes:
        ways[f"{PLAIN} of {size}"] = partial(plain_batches, workload, size)
        ways[f"{LOOP}, {size} in flight"] = partial(decode_loop, workload, size)
    found: dict[str, list[Run]] = {name: [] for name in ways}
    for run in range(runs):
        for name, way in ways.items():
            some = [everything[(run * alone + n) % len(everything)] for n in range(alone)]
            found[name].append(measure(workload, some if name == ALONE else everything, way))
            print(f"run {run + 1}: {name}: {found[name][-1].seconds:.1f} s", file=sys.stderr)
    return found


def table(found: dict[str, list[Run]], ceilings: Ceilings) -> str:
    """A Markdown table of medians. Ratios are of tokens per second within a run, so that a slow spell hits both."""
    lines = [
        "| way | tokens/s | pictures/s | x one at a time | x plain batches | peak memory | of FLOP/s | of GB/s |",
        "|---|---|---|---|---|---|---|---|",
    ]
    plain = found[ALONE]
    for name, runs in found.items():
        plain = runs if name.startswith(PLAIN) else plain
        columns = [
            f"{median(r.tokens / r.seconds for r in runs):,.0f}",
            f"{median(r.pictures / r.seconds for r in runs):.2f}",
            _ratio(runs, found[ALONE]),
            _ratio(runs, plain) if name.startswith(LOOP) else "",
            f"{median(r.peak for r in runs) / 1e9:.1f} GB",
            f"{median(r.work.flops / r.seconds for r in runs) / ceilings.flops:.0%}",
            f"{median(r.work.bytes / r.seconds for r in runs) / ceilings.bytes:.0%}",
        ]
        lines.append(f"| {name} | {' | '.join(columns)} |")
    return "\n".join(lines)


def _ratio(runs: Sequence[Run], others: Sequence[Run]) -> str:
    rates = [(a.tokens / a.seconds) / (b.tokens / b.seconds) for a, b in zip(runs, others, strict=True)]
    return f"{median(rates):.1f}"


def parse(argv: Sequence[str] | None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.generation", description=__doc__)
    parser.add_argument("--model", choices=list(WORKLOADS), default="embedded")
    parser.add_argument("--device", default="cpu", help="cpu, cuda")
    parser.add_argument("--dtype", default="bfloat16", choices=["float32", "bfloat16", "float16"])
    parser.add_argument("--threads", type=int, default=2, help="of a CPU")
    parser.add_argument("--pictures", type=int, default=192)
    parser.add_argument("--alone", type=int, default=8, help="pictures that are described one at a time, in each run")
    parser.add_argument("--in-flight", type=int, nargs="+", default=[64], help="rows at once, 1 to 256")
    parser.add_argument("--tokens", type=int, default=96, help="the longest answer; limits are drawn from 8 up to it")
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--verify", action="store_true", help="compare tokens in float32, and measure nothing")
    return parser.parse_args(argv)


@torch.no_grad()
def main(argv: Sequence[str] | None = None) -> int:
    """Run the benchmark; returns the exit code."""
    args = parse(argv)
    device = torch.device(args.device)
    limits = draw_limits(args.pictures, args.tokens)
    workload = WORKLOADS[args.model](device, "float32" if args.verify else args.dtype, limits)
    torch.set_num_threads(args.threads)  # loading the model sets the profile's
    if args.verify:
        return int(not verify(workload))
    ceilings = measure_ceilings(device, getattr(torch, args.dtype))
    found = compare(workload, args.in_flight, args.alone, args.runs)
    print(
        f"{args.model}, {args.dtype}, {args.device}, {args.threads} threads; {args.pictures} pictures, answers of 8 to"
        f" {args.tokens} tokens; medians of {args.runs} runs. Ceilings: {ceilings.flops / 1e9:,.0f} GFLOP/s,"
        f" {ceilings.bytes / 1e9:,.1f} GB/s.\n"
    )
    print(table(found, ceilings))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
