"""Rules that distrust a description, repairs that mend it, and guards over what a rewriter makes of it.

Rules and repairs are listed here, in the order in which they run: a new one is a module and a line.
"""

from __future__ import annotations

import difflib
import hashlib
from collections.abc import Mapping
from functools import cache
from pathlib import Path

from filters.repairs import (
    collapse_conjuncts,
    collapse_stutter,
    cut_loop,
    cut_restart,
    cut_role_markers,
    drop_commentary,
    drop_duplicate_sentences,
    mend_ending,
    normalise,
)
from filters.rules import (
    address,
    apology,
    character_repetition,
    dangling_ending,
    instruction_echo,
    language,
    meaningless_characters,
    mixed_script,
    phrase_loop,
    refrain,
    repeated_conjunct,
    restart,
    rewriter_commentary,
    role_leakage,
    self_reference,
    sentence_duplication,
    too_long,
    too_short,
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
    mixed_script.RULE,
    meaningless_characters.RULE,
    address.RULE,
    apology.RULE,
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
    dangling_ending.RULE,
    word_repetition.RULE,
    character_repetition.RULE,
)

# Unfinished sentences go before duplicates are looked for: a finished sentence that says what a broken one
# began to say must stay.
REPAIRS: tuple[Repair, ...] = (
    normalise.REPAIR,
    cut_role_markers.REPAIR,
    drop_commentary.REPAIR,
    collapse_stutter.REPAIR,
    collapse_conjuncts.REPAIR,
    cut_loop.REPAIR,
    mend_ending.REPAIR,
    cut_restart.REPAIR,
    drop_duplicate_sentences.REPAIR,
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


def judge_all(text: str, limits: Mapping[str, float | None]) -> list[Verdict]:
    """Judge `text` by every rule that has a limit, in the order of RULES; a missing or null limit skips a rule.

    Raises UsageError for a limit that no rule has.
    """
    check_limits(limits)
    passage = Passage(text)
    return [rule.judge(passage, limit) for rule in RULES if (limit := limits.get(rule.name)) is not None]


def default_limits() -> dict[str, float | None]:
    """The limit of every rule as tuned on captions, for texts that come with no profile."""
    return {rule.name: rule.limit for rule in RULES}


def check_limits(limits: Mapping[str, float | None]) -> None:
    """Raise UsageError if `limits` names a rule that does not exist, with the nearest one that does."""
    names = [rule.name for rule in RULES]
    for name in limits:
        if name not in names:
            near = difflib.get_close_matches(name, names, n=1, cutoff=0.0)[0]
            raise UsageError(f"unknown rule {name!r} in limits; did you mean {near!r}?")


@cache
def rule_set_version() -> str:
    """12 hex digits of sha256 over the sources that decide a verdict: this package, the splitter, the schema."""
    folder = Path(__file__).parent
    files = [*sorted(folder.rglob("*.py")), Path(text.__file__), Path(schema.__file__)]
    digest = hashlib.sha256()
    for file in files:
        digest.update(file.name.encode() + b"\0" + file.read_bytes() + b"\0")
    return digest.hexdigest()[:12]
