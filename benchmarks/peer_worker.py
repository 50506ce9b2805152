"""PEER_PYTHON benchmarks/peer_worker.py {data-juicer,datatrove} TEXTS.json

Runs in the interpreter of another project, which has no pairmill. For every line on stdin it puts all texts (a JSON
list of strings) through each operator once, then through all of them, and prints one line of JSON: how many seconds
of the processor each took. The name of the whole is "all".

The operators are called as their own pipelines call them inside a worker process, on batches of 1,000 texts, without
data sets, disk or processes around them. No operator here needs a model, a tokenizer or a list from the network:
data-juicer's two word lists are short ones of ours.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

Way = Callable[[Sequence[str]], int]
"""Judges texts; returns how many it would keep."""

_SHARING_WORDS = {"WordsNumFilter", "WordRepetitionFilter", "StopWordsFilter", "FlaggedWordFilter"}  # op_fusion's
_BATCH = 1_000  # data-juicer's default
_STOPWORDS = "a an and are as at be by for from has he in is it its of on that the this to was were will with".split()
_FLAGGED = "damn hell crap".split()


def data_juicer() -> dict[str, Way]:
    """Its operators for texts; all of them share the split words, as its fusion of operators does."""
    from data_juicer.ops.filter.alphanumeric_filter import AlphanumericFilter
    from data_juicer.ops.filter.character_repetition_filter import CharacterRepetitionFilter
    from data_juicer.ops.filter.flagged_words_filter import FlaggedWordFilter
    from data_juicer.ops.filter.special_characters_filter import SpecialCharactersFilter
    from data_juicer.ops.filter.stopwords_filter import StopWordsFilter
    from data_juicer.ops.filter.text_length_filter import TextLengthFilter
    from data_juicer.ops.filter.word_repetition_filter import WordRepetitionFilter
    from data_juicer.ops.filter.words_num_filter import WordsNumFilter

    with tempfile.TemporaryDirectory() as lists:
        Path(lists, "stopwords.json").write_text(json.dumps({"en": _STOPWORDS}), encoding="utf-8")
        Path(lists, "flagged_words.json").write_text(json.dumps({"en": _FLAGGED}), encoding="utf-8")
        operators = {
            "text_length_filter": TextLengthFilter(),
            "words_num_filter": WordsNumFilter(),
            "alphanumeric_filter": AlphanumericFilter(),
            "special_characters_filter": SpecialCharactersFilter(),
            "character_repetition_filter": CharacterRepetitionFilter(),
            "word_repetition_filter": WordRepetitionFilter(rep_len=5),
            "stopwords_filter": StopWordsFilter(stopwords_dir=lists),
            "flagged_words_filter": FlaggedWordFilter(flagged_words_dir=lists),
        }
    alone: dict[str, Way] = {name: partial(_juice, operators=[each]) for name, each in operators.items()}
    return {**alone, "all": partial(_juice, operators=list(operators.values()))}


def _juice(texts: Sequence[str], operators: Sequence[Any]) -> int:
    from data_juicer.utils.constant import Fields

    kept = 0
    for start in range(0, len(texts), _BATCH):
        batch = texts[start : start + _BATCH]
        rows = [{"text": text, Fields.stats: {}, Fields.context: {}} for text in batch]
        keep = [True] * len(rows)
        for operator in operators:
            shared = {"context": True} if type(operator).__name__ in _SHARING_WORDS else {}
            if operator.is_batched_op():
                columns = {name: [row[name] for row in rows] for name in ("text", Fields.stats, Fields.context)}
                found = list(operator.process_batched(operator.compute_stats_batched(columns, **shared)))
            else:
                found = [operator.process_single(operator.compute_stats_single(row, **shared)) for row in rows]
            keep = [before and now for before, now in zip(keep, found, strict=True)]
        kept += sum(keep)
    return kept


def datatrove() -> dict[str, Way]:
    """Its quality filters; each stops at the first fault of a text, and so does the chain: what is left is spared."""
    from datatrove.pipeline import filters

    operators = {
        "GopherRepetitionFilter": filters.GopherRepetitionFilter(),
        "GopherQualityFilter": filters.GopherQualityFilter(),
        "C4QualityFilter": filters.C4QualityFilter(),
        "FineWebQualityFilter": filters.FineWebQualityFilter(),
    }

    alone: dict[str, Way] = {name: partial(_trove, operators=[each]) for name, each in operators.items()}
    return {**alone, "all": partial(_trove, operators=list(operators.values()))}


def _trove(texts: Sequence[str], operators: Sequence[Any]) -> int:
    from datatrove.data import Document

    kept = 0
    for number, text in enumerate(texts):
        document = Document(text=text, id=str(number))
        kept += all(operator.filter(document) is True for operator in operators)
    return kept


PEERS: Mapping[str, Callable[[], dict[str, Way]]] = {"data-juicer": data_juicer, "datatrove": datatrove}


def main(argv: Sequence[str] | None = None) -> int:
    """Answer each line of stdin by one round; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("peer", choices=[*PEERS])
    parser.add_argument("texts", type=Path)
    given = parser.parse_args(argv)
    texts = json.loads(given.texts.read_text(encoding="utf-8"))
    answers, sys.stdout = sys.stdout, sys.stderr  # what the libraries print does not get among the answers
    ways = PEERS[given.peer]()
    for _ in sys.stdin:
        seconds = {}
        for name, way in ways.items():
            began = time.process_time()
            way(texts)
            seconds[name] = time.process_time() - began
        print(json.dumps(seconds), file=answers, flush=True)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
