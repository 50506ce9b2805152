"""The same word several times in a row."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise
from operator import eq

from filters.english import FUNCTION_WORDS, excerpt
from filters.quotations import own_words
from pipeline.schema import LETTER, WORD_END, WORD_START, Measurement, Passage, Rule

# English itself doubles these; one repetition of them is no stutter.
DOUBLED = frozenset(
    "bye far had ha long many more much no now really so that there very well yes hear knock tick tock tut tsk choo cha"
    " tuk pom dum yum night hip mahi piri peri gado hush chop blah aye hula can nom woof meow quack ho hee hey oh"
    " la".split()
)
# Sounds and steps that come in pairs ("click clack click clack").
_PAIRS = DOUBLED | frozenset("click clack clip clop ding dong ping pong zig zag left right tic toc one two".split())
_LEAD = "a|an|the|his|her|its|their|this|that|is|are|was|were|has|of|in|on|at|with|from|for|it|there|he|she|they"
_WORD = rf"\w{LETTER}*(?:['’\-]\w{LETTER}*)*"
# A word, an article or preposition and a word ("a dog a dog"), or two words with no comma ("pine tree pine tree"), and
# what follows of the same.
STUTTER = re.compile(
    rf"{WORD_START}(?P<said>(?:{_WORD})|(?:{_LEAD})\s+{_WORD})(?:[,/]?\s+(?P=said){WORD_END})+"
    rf"|{WORD_START}(?P<phrase>{_WORD}\s+{_WORD})(?:\s+(?P=phrase){WORD_END})+"
    rf"|{WORD_START}(?P<slashed>[^\W\d_]{{2,}})/(?P=slashed){WORD_END}",
    re.IGNORECASE,
)
_MEMBER = re.compile(r"[^\s,/]+")
_CLEFT = re.compile(r"\s*(?:and |but |so )?(?:what|all|who|where|how)\b", re.IGNORECASE)


def kept_words(run: re.Match[str]) -> int:
    """How many words of a match of STUTTER are English: those it says once, or twice for a double that is meant.

    English doubles "had had" and "very very", "a big, big cat" (but not "candles, candles and"), "Duran Duran", "0 0".
    """
    said = run["said"] or run["phrase"] or run["slashed"]
    once = len(said.split())
    words = _MEMBER.findall(run[0])
    if run["phrase"]:
        return len(words) if _is_meant(words[:once]) else once
    first, second = words[0], words[once]
    name = (
        once == 1
        and first[0].isupper()
        and second[0].isupper()
        and len(first) > 3
        and first.lower() not in FUNCTION_WORDS
    )
    doubled = once == 1 and (first.lower() in DOUBLED or first.isdigit() or name or _is_emphasis(run) or _is_cleft(run))
    return 2 * once if doubled else once


def _is_meant(phrase: Sequence[str]) -> bool:
    """Whether a pair of words may be said again: a name ("Walla Walla"), a sound, a step, or anything with a link."""
    return any(word[0].isupper() or not word.isalpha() or word in _PAIRS or word in FUNCTION_WORDS for word in phrase)


def _is_cleft(run: re.Match[str]) -> bool:
    """Whether "is is" follows a clause that is a subject ("What it really is is a collage")."""
    clause = re.split(r"[.!?;:]", run.string[: run.start()])[-1]
    return run[0].lower() == "is is" and _CLEFT.match(clause) is not None


def _is_emphasis(run: re.Match[str]) -> bool:
    """Whether a comma doubles an adjective: a word that it can describe follows."""
    if "," not in run[0] or run[0].lower().split(",")[0] in FUNCTION_WORDS:
        return False
    following = re.match(r"\s+([^\W\d_]+)", run.string[run.end() :])
    return following is not None and following[1].lower() not in FUNCTION_WORDS


def measure(passage: Passage) -> Measurement:
    """Length of the longest run of one word, less one where English doubles that word itself; 1 if none repeats.

    What is quoted may be sung ("Ho ho ho").
    """
    words = passage.words
    again = any(map(eq, words, words[1:])) or any(map(eq, pairwise(words), pairwise(words[2:])))
    worst = Measurement(1.0)
    if not again:
        return worst
    for match in STUTTER.finditer(own_words(passage.text)):
        length = len(_MEMBER.findall(match[0])) - kept_words(match) + 1
        if length > worst.value:
            worst = Measurement(float(length), excerpt(passage.text, *match.span()))
    return worst


RULE = Rule(
    name="word_stutter",
    why='A word said twice in a row ("the the the") is the shortest loop a language model falls into.',
    source="run length of equal words; the one-word case of Gopher's repetition rules (arXiv 2112.11446)",
    measure=measure,
    fails="above",
    limit=1.0,
    mendable=True,
)
