"""Other projects, each in an environment of its own, answering a benchmark's rounds from a process of their own."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
ENVIRONMENTS = ROOT / ".cache" / "benchmarks"
_WORKER = Path(__file__).with_name("peer_worker.py")


@dataclass(frozen=True, eq=False)
class Peer:
    """A distribution, what its operators import, and which of our rules measure what each of its operators does."""

    name: str  # as peer_worker.py knows it
    distribution: str
    imports: tuple[str, ...]  # installed with what they need; the distribution itself is installed without
    nearest: dict[str, tuple[str, ...]]  # operator -> rules

    @property
    def folder(self) -> Path:
        """Its environment."""
        return ENVIRONMENTS / self.distribution.replace("==", "-")

    @property
    def python(self) -> Path:
        """The interpreter of its environment."""
        return self.folder / "bin" / "python"

    @property
    def installed(self) -> bool:
        """Whether the environment was finished, with these very packages."""
        record = self.folder / "installed.json"
        return record.is_file() and json.loads(record.read_text(encoding="utf-8")) == self._packages

    @property
    def _packages(self) -> list[str]:
        return [self.distribution, *self.imports]

    def install(self) -> None:
        """Make its environment anew with pip, from the package index: some hundred megabytes and a minute or two."""
        shutil.rmtree(self.folder, ignore_errors=True)
        subprocess.run([sys.executable, "-m", "venv", str(self.folder)], check=True)
        pip = [str(self.python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        subprocess.run([*pip, *self.imports], check=True, stdout=sys.stderr)
        subprocess.run([*pip, "--no-deps", self.distribution], check=True, stdout=sys.stderr)
        (self.folder / "installed.json").write_text(json.dumps(self._packages), encoding="utf-8")


DATA_JUICER = Peer(
    name="data-juicer",
    distribution="py-data-juicer==1.6.1",
    # Its own list also holds streamlit, uv and a dozen others that no text operator touches, and not ray, which they
    # import all the same: it would be fetched in mid-run.
    imports=(
        *("aiohttp==3.14.5", "beautifulsoup4==4.15.0", "datasets==5.2.0", "dill==0.4.1", "emoji==2.2.0"),
        *("httpx==0.28.1", "jsonargparse[signatures]==4.53.0", "loguru==0.7.3", "numpy==2.4.6", "pandas==3.1.1"),
        *("pillow==13.0.0", "psutil==7.2.2", "pyarrow==26.0.1", "pydantic==2.14.3", "ray==2.60.0"),
        *(
            "regex==2026.11.15",
            "requests==2.34.2",
            "tabulate==0.10.0",
            "tomli==2.5.0",
            "wget==3.2",
            "zstandard==0.25.0",
        ),
    ),
    nearest={
        "text_length_filter": ("too_short",),
        "words_num_filter": ("too_long",),
        "alphanumeric_filter": ("alphanumeric",),
        "special_characters_filter": ("special_characters",),
        "character_repetition_filter": ("character_repetition",),
        "word_repetition_filter": ("word_repetition",),
        "stopwords_filter": ("stopwords",),
        "flagged_words_filter": ("flagged_words",),
    },
)
DATATROVE = Peer(
    name="datatrove",
    distribution="datatrove==0.10.1",
    imports=(  # spaCy's rules split its words: they come with the package
        *("dill==0.4.1", "fsspec==2026.9.0", "huggingface-hub==2.4.0", "humanize==4.17.0", "loguru==0.7.3"),
        *("multiprocess==0.70.19", "numpy==2.4.6", "regex==2026.11.15", "spacy==3.8.18", "tqdm"),
    ),
    nearest={
        "GopherRepetitionFilter": ("top_ngram", "duplicate_ngrams", "sentence_duplication"),
        "GopherQualityFilter": ("too_short", "too_long", "alphanumeric", "special_characters", "stopwords"),
        "C4QualityFilter": ("terminal_punctuation", "dangling_ending"),
        "FineWebQualityFilter": ("terminal_punctuation", "sentence_duplication"),
    },
)
PEERS = (DATA_JUICER, DATATROVE)


@contextmanager
def running(peer: Peer, texts: Path) -> Iterator[Callable[[], dict[str, float]]]:
    """Start the peer's worker on a JSON list of texts; yield a function that has it do one round.

    The function returns the seconds of the processor by operator, "all" for all in a row, and raises RuntimeError if
    the worker died; what it wrote of its death stands on stderr.
    """
    command = [str(peer.python), str(_WORKER), peer.name, str(texts)]
    offline = {**os.environ, "PIP_NO_INDEX": "1", "HF_HUB_OFFLINE": "1"}
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=offline) as worker:
        questions, answers = worker.stdin, worker.stdout
        if questions is None or answers is None:
            raise AssertionError("both are pipes")

        def ask() -> dict[str, float]:
            questions.write("\n")
            questions.flush()
            if not (line := answers.readline()):
                raise RuntimeError(f"the worker of {peer.name} died")
            found: dict[str, float] = json.loads(line)
            return found

        try:
            yield ask
        finally:
            questions.close()  # the worker ends
