"""The same word several times in a row."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise
from operator import eq

from filters.english import FUNCTION_WORDS, excerpt
from filters.quotations import own_words
from pipeline.schema import WORD, WORD_END, WORD_START, Measurement, Passage, Rule

# English itself doubles these; one repetition of them is no stutter.
DOUBLED = frozenset(
    "bye far had ha long many more much no now really so that there very well yes hear knock tick tock tut tsk choo"
    " cha tuk pom dum yum night hip mahi piri peri gado hush chop blah aye hula can nom woof meow quack ho hee hey oh"
    " la dan bon pili ylang dik chow agar shabu tuk".split()
)
# Sounds and shouts; up to four in a row are one ("ha ha ha", "no no no").
_SOUNDS = frozenset(
    "ha ho hee hey oh la no yes yum nom tick tock knock tut woof meow quack pom dum choo ba baa moo oink cluck tweet"
    " beep honk boom bang ding dong chug yeah na da wah glug vroom woo whoosh neigh"
    " caw coo toot chirp ribbit hmm".split()
)
_CHANT = 4
# What is read, said or sung may be said again: "the words love love love", "letters spell out MILK MILK EGGS".
_SAYING = re.compile(
    r"\b(?:says?|saying|reads?|reading|words?|spell(?:s|ing)?(?: out)?|shouts?|shouting|calls?|calling|sings?|singing"
    r"|chants?|chanting|goes|lyrics|letters(?: \w+){0,2})[:,]? $"
)
# A pronoun before the verb of a clause without "that": "The man she drew, drew her in return".
_CLAUSE = re.compile(r"(?:\b(?:he|she|they|it|we|you|i|who|that)|^(?:and |but )?what(?: \w+)+) $")
_RELATIVE = re.compile(r"\b(?:who|that|what|which|whoever|whatever) $")  # "the bird that sings sings at dawn"
_GIVING = re.compile(
    r"\b(?:hand|give|giv|show|bring|offer|pass|lend|throw|buy|send|feed|teach|read|tell|pour|serv|tak|mak)\w* $"
)
# A verb or a lamp whose particle stands before the same preposition: "comes in in the evening", "on on both floors".
_PARTICLE = re.compile(
    r"\b(?:(?:come|coming|came|move|moving|gone|goes|went|sail|flow|roll|stream|pour|fit|plug|log|zoom|drop|let|shin"
    r"|blow|drift)\w*"
    r"|(?:lights?|lamps?|lanterns?|headlights?|television|tv|heater|radio|screens?|fire|oven|engine|sprinklers?|music)"
    r" (?:is|are|was|were|left|go|goes|turned|switched)) $"
)
# Numbers and cards are listed again and again: "a six, a six, a two".
_COUNTED = frozenset("one two three four five six seven eight nine ten jack queen king ace".split())
# Games and rhymes: "Duck, duck, goose", "Mirror, mirror on the wall", "Up, up and away".
_RHYMES = frozenset("duck mirror row twinkle eeny up down rain".split())
# Sounds and steps that come in pairs ("click clack click clack").
_PAIRS = DOUBLED | frozenset(
    "click clack clip clop ding dong ping pong zig zag left right tic toc one two nee naw hee haw flip flop"
    " pitter patter hip hop tip tap".split()
)
_LEAD = "a|an|the|his|her|its|their|this|that|is|are|was|were|has|of|in|on|at|with|from|for|it|there|he|she|they"
_WORD = WORD.pattern
# A word, an article or preposition and a word ("a dog a dog"), or two words with no comma ("pine tree pine tree"), and
# what follows of the same.
STUTTER = re.compile(
    rf"{WORD_START}(?P<said>(?:{_WORD})|(?:{_LEAD})\s+{_WORD})(?:[,/]?\s+(?P=said){WORD_END})+"
    rf"|{WORD_START}(?P<phrase>{_WORD}\s+{_WORD})(?:\s+(?P=phrase){WORD_END})+"
    rf"|{WORD_START}(?P<slashed>[^\W\d_]{{2,}})/(?P=slashed){WORD_END}",
    re.IGNORECASE,
)
_MEMBER = re.compile(r"[^\s,/]+")
_CLEFT = re.compile(r"\s*(?:and |but |so )?(?:what|all|who|where|how|whatever|whoever|wherever)\b", re.IGNORECASE)


def kept_words(run: re.Match[str]) -> int:
    """How many words of a match of STUTTER are English: those it says once, or twice for a double that is meant.

    English doubles "had had" and "very very", "a big, big cat" (but not "candles, candles and"), "Duran Duran", "0 0".
    """
    said = run["said"] or run["phrase"] or run["slashed"]
    once = len(said.split())
    words = _MEMBER.findall(run[0])
    before = re.split(r"[.!?;]", run.string[: run.start()])[-1].lower().lstrip()
    if not said.strip("_ "):
        return len(words)  # a blank to fill in
    said_words = said.lower().split()
    spoken = FUNCTION_WORDS.isdisjoint(said_words) and _SAYING.search(before) is not None
    if len(words) <= _CHANT * once and (spoken or _SOUNDS.issuperset(said_words)):
        return len(words)
    if once == 2 and "," in run[0] and words[1].lower() in _COUNTED:
        return len(words)
    if run["phrase"]:
        return len(words) if _is_meant(words[:once]) else once
    first, second = words[0], words[once]
    if once > 1:
        return once
    initial = len(first) == 1 and first.isupper() and first not in "AI"  # "J J Cale"
    placed = initial or before.rstrip(" ")[-1:].isalpha() or (len(first) > 3 and first.lower() not in FUNCTION_WORDS)
    name = first[0].isupper() and second[0].isupper() and placed
    doubled = first.lower() in DOUBLED or first.isdigit() or name
    return 2 if doubled or _is_emphasis(run) or _is_cleft(run) or _is_grammatical(run, before) else 1


def _is_meant(phrase: Sequence[str]) -> bool:
    """Whether a pair of words may be said again: a name ("Walla Walla"), a sound, a step, or anything with a link."""
    linked = any(word[0].isupper() or not word.isalpha() or word in FUNCTION_WORDS for word in phrase)
    return linked or _PAIRS.issuperset(phrase)


def _is_grammatical(run: re.Match[str], before: str) -> bool:
    """Whether two parts of one sentence meet in a word: "hands her her coat", "the man she drew, drew her"."""
    said = (run["said"] or run["slashed"]).lower()
    if "," in run[0]:
        return _CLAUSE.search(before) is not None or said in _RHYMES
    if said not in FUNCTION_WORDS:
        return _RELATIVE.search(before) is not None and said.endswith(("s", "ed"))
    if said in {"do", "does", "did"}:
        return _CLAUSE.search(before) is not None
    if said == "her":
        return _GIVING.search(before) is not None
    return said in {"in", "on"} and _PARTICLE.search(before) is not None


def _is_cleft(run: re.Match[str]) -> bool:
    """Whether "is is" or "was was" follows a clause that is a subject ("What it really is is a collage")."""
    clause = re.split(r"[.!?;:]", run.string[: run.start()])[-1]
    return run[0].lower() in {"is is", "was was"} and _CLEFT.match(clause) is not None


def _is_emphasis(run: re.Match[str]) -> bool:
    """Whether a comma doubles an adjective: a word that it can describe follows."""
    if "," not in run[0] or run[0].lower().split(",")[0] in FUNCTION_WORDS:
        return False
    following = re.match(r"\s+([^\W\d_]+)", run.string[run.end() :])
    return following is not None and following[1].lower() not in FUNCTION_WORDS


def _recurs_at_once(words: Sequence[str]) -> bool:
    """Whether two words are followed by the same two."""
    return any(map(eq, words, words[2:])) and any(map(eq, pairwise(words), pairwise(words[2:])))


def measure(passage: Passage) -> Measurement:
    """Length of the longest run of one word, less one where English doubles that word itself; 1 if none repeats.

    What is quoted may be sung ("Ho ho ho").
    """
    words = passage.words
    worst = Measurement(1.0)
    if not (any(map(eq, words, words[1:])) or _recurs_at_once(words)):
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
