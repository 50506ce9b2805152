"""python -m benchmarks.filters [--texts 2000] [--rounds 5] [--peers] [--memory]

Captions a second on one core: all rules together, each by itself, and the repairs, on descriptions of about 100 words
(benchmarks/captions.py). Seconds are the processor's, so that what else the machine does counts little.

--peers sets the nearest operators of data-juicer and datatrove beside our rules for the same, on the same texts and in
turn with them. Each lives in an environment of its own below .cache/benchmarks, made with pip the first time; where the
environments exist already, the peers take part unasked. --memory holds the peak memory of the stage `filter` over a
million rows against that over 5,000, which takes ten minutes. Prints Markdown.
"""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import ExitStack
from functools import partial
from pathlib import Path

from benchmarks import filter_memory
from benchmarks.captions import write_captions
from benchmarks.peers import PEERS, Peer, running
from filters import RULES, default_limits, judge_all, repair
from pipeline.schema import Passage, Rule

LANGUAGE = ("language", "language_fast")  # libraries, measured by themselves: one is slower than all others together
ALL, SPLITTING, REPAIR = "all rules but the language", "words and sentences", "all repairs"
_LANGUAGE_TEXTS = 200  # of 5 ms each

Figures = dict[tuple[str, str], float]
"""(whose, what) -> seconds of the processor for all texts."""


def rules_of(names: Collection[str]) -> list[Rule]:
    """The rules of these names that exist, in the order in which they run."""
    return [rule for rule in RULES if rule.name in names]


def spent(work: Callable[[], object]) -> float:
    """Seconds of the processor that `work` takes."""
    began = time.process_time()
    work()
    return time.process_time() - began


def measuring(rules: Sequence[Rule], texts: Sequence[str]) -> float:
    """Seconds in which these rules measure texts that nobody has split yet."""

    def measure() -> None:
        for text in texts:
            passage = Passage(text)
            for rule in rules:
                rule.measure(passage)

    return spent(measure)


def by_rule(texts: Sequence[str]) -> dict[str, float]:
    """Seconds of each rule as it follows the others; those of splitting, which they share, by themselves."""
    rules = {rule.name: rule.measure for rule in RULES if rule.name not in LANGUAGE}
    ways: dict[str, Callable[[Passage], object]] = {SPLITTING: _split, **rules}
    seconds = dict.fromkeys(ways, 0.0)
    for text in texts:
        passage = Passage(text)
        for name, way in ways.items():
            seconds[name] += spent(partial(way, passage))
    return seconds


def _split(passage: Passage) -> int:
    return len(passage.words) + len(passage.sentences)


def ours(texts: Sequence[str]) -> dict[str, float]:
    """One round of all that is pairmill's."""
    limits = {**default_limits(), **{rule.name: None for rule in rules_of(LANGUAGE)}}
    few = texts[:_LANGUAGE_TEXTS]
    return {
        ALL: spent(lambda: [judge_all(text, limits) for text in texts]),
        REPAIR: spent(lambda: [repair(text) for text in texts]),
        **by_rule(texts),
        **{rule.name: measuring([rule], few) * len(texts) / len(few) for rule in rules_of(LANGUAGE)},
    }


def nearest(peer: Peer) -> dict[str, list[Rule]]:
    """Our rules for each operator of a peer, and for all of them."""
    everything = {name for names in peer.nearest.values() for name in names}
    return {operator: rules_of(names) for operator, names in {**peer.nearest, "all": everything}.items()}


def one_round(texts: Sequence[str], workers: Mapping[Peer, Callable[[], dict[str, float]]]) -> Figures:
    """Everything once, in turn."""
    figures = {("pairmill", name): seconds for name, seconds in ours(texts).items()}
    for peer, ask in workers.items():
        figures |= {(peer.name, operator): seconds for operator, seconds in ask().items()}
        beside = {operator: measuring(rules, texts) for operator, rules in nearest(peer).items()}
        figures |= {(f"beside {peer.name}", operator): seconds for operator, seconds in beside.items()}
    return figures


def medians_of(rounds: int, texts: Sequence[str], peers: Sequence[Peer]) -> Figures:
    """The median of each figure over `rounds` rounds, behind one that warms up imports, stems and models."""
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        file = Path(folder, "texts.json")
        file.write_text(json.dumps(texts), encoding="utf-8")
        workers = {peer: stack.enter_context(running(peer, file)) for peer in peers}
        found = [one_round(texts, workers) for _ in range(1 + rounds)][1:]
    return {what: statistics.median(figures[what] for figures in found) for what in found[0]}


def print_own(figures: Figures, texts: int) -> None:
    """Rates and costs, in the order in which the rules run."""
    print("| what | captions/s | µs a caption |\n|---|---|---|")
    for (whose, what), seconds in figures.items():
        if whose == "pairmill":
            print(f"| {what} | {texts / seconds:,.0f} | {seconds / texts * 1e6:,.1f} |")


def print_beside(peer: Peer, figures: Figures, texts: int) -> None:
    """A peer's operators beside our rules for the same."""
    head = [peer.distribution.replace("==", " "), "captions/s", "our rules for the same", "captions/s", "times as fast"]
    print(f"\n| {' | '.join(head)} |\n|---|---|---|---|---|")
    for operator, rules in nearest(peer).items():
        theirs, mine = figures[peer.name, operator], figures[f"beside {peer.name}", operator]
        names = "all of these" if operator == "all" else ", ".join(rule.name for rule in rules)
        rates = [f"{texts / theirs:,.0f}", names, f"{texts / mine:,.0f}", f"{theirs / mine:.1f}"]
        print(f"| {operator} | {' | '.join(rates if rules else [rates[0], 'none', '', ''])} |")


def main(argv: Sequence[str] | None = None) -> int:
    """Measure what is asked for; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--texts", type=int, default=2_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--peers", action=argparse.BooleanOptionalAction, help="default: those that are installed")
    parser.add_argument("--memory", action="store_true", help="peak memory in place of speed")
    parser.add_argument("--rows", type=int, nargs="+", default=[5_000, 1_000_000], help="of --memory")
    given = parser.parse_args(argv)
    if given.memory:
        filter_memory.compare(given.rows)
        return 0
    peers = [peer for peer in PEERS if given.peers or (given.peers is None and peer.installed)]
    for peer in peers:
        if not peer.installed:
            peer.install()
    texts = write_captions(given.texts)
    figures = medians_of(given.rounds, texts, peers)
    words = statistics.fmean(len(text.split()) for text in texts)
    print(f"{len(texts):,} captions of {words:.0f} words on average; one core; medians of {given.rounds} rounds.\n")
    print_own(figures, len(texts))
    for peer in peers:
        print_beside(peer, figures, len(texts))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
