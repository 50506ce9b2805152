"""Sentences that say nothing which an earlier sentence has not said."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from functools import lru_cache

from filters.claims import COLOURS, Claim, read_claims
from filters.english import PLACE_PREPOSITIONS, words_of
from filters.restatements import SUBJECT, TELLING, Statements

_SHARE = 0.9  # of a sentence's content that must have been said: long sentences may differ by a word
_ALIKE = 0.8  # share of its content that an earlier sentence must hold to be read together with others like it
_LONG = 3  # stems of a statement ("The subject is ...") that cannot be meant as a mere pointer to the picture's subject


def find_repeats(sentences: Sequence[str]) -> dict[int, int]:
    """Map the position of each sentence that repeats earlier ones to the position of the first of those.

    A sentence repeats an earlier one if 90 % of its content words (stemmed) are in that one, or in several that
    are nearly the same: "It is a map of a country." after "This is a map of a country."; "The man wears a blue
    shirt and a blue hat." after "The man wears a blue shirt." and "The man wears a blue hat." Words of frame and
    degree do not count ("The main subject is flowers."), nor does order ("There are two dogs on a lawn in the image.").
    The same words in a new place are new content ("on the left", "on the right"), and so are other colours and
    numbers, a colour of another thing, and another subject behind "it". What other words for the same may be is in
    `filters.restatements`. What a sentence says of the picture as a whole ("It is about flowers.") is a repeat whatever
    stands between. A sentence without any content ("It is a picture.") repeats whatever came first.
    """
    return dict(_find_repeats(tuple(sentences)))


@lru_cache(maxsize=64)  # the rule, the repair and the guard ask about one text
def _find_repeats(sentences: tuple[str, ...]) -> dict[int, int]:
    claims = read_claims(words_of(sentence) for sentence in sentences)
    statements = Statements(agrees)
    repeats: dict[int, int] = {}
    same: dict[tuple[str, ...], int] = {}  # words of a sentence -> where they are said first
    holders: defaultdict[str, list[int]] = defaultdict(list)
    for position, claim in enumerate(claims):
        shared: dict[int, int] = {}  # earlier sentence -> how many of this one's words it holds
        for word in claim.content:
            for earlier in holders.get(word, ()):
                shared[earlier] = shared.get(earlier, 0) + 1
        least = _ALIKE * len(claim.content)
        alike = sorted([earlier for earlier, count in shared.items() if count >= least]) if shared else []
        if not claim.content and position and sentences[position].strip():
            repeats[position] = 0
        elif _is_of_picture(claim) and (first := same.setdefault(tuple(claim.words), position)) < position:
            repeats[position] = first
        elif alike and claim.statement[0] in {"", "it"} and _is_said(claim, [claims[earlier] for earlier in alike]):
            repeats[position] = alike[0]
        elif shared and claim.statement[0] and (stated := _stated(claim, claims[:position])) is not None:
            repeats[position] = stated
        elif shared and not claim.statement[0] and (said := statements.restated(claim)) is not None:
            repeats[position] = said
        statements.add(claim)
        for word in claim.content:
            holders[word].append(position)
    return repeats


def _is_of_picture(claim: Claim) -> bool:
    """Whether "it" is the picture in a statement: "It is about flowers.", but not "It is red."."""
    head, value = claim.statement
    return head not in {"", "it"} or (head == "it" and ("about" in claim.words or len(value) > 1))


def _is_said(claim: Claim, earlier: Sequence[Claim]) -> bool:
    """Whether earlier claims, each much alike, leave nothing of `claim` that is new."""
    said = frozenset[str]().union(*(other.content for other in earlier))
    new = claim.content - said
    if not said & PLACE_PREPOSITIONS:
        new -= {"in", "on"}  # "a few clouds in the blue sky" after "The sky is blue with a few clouds."
    if new & TELLING or len(new) > (1 - _SHARE) * len(claim.content) + 1e-9:
        return False
    if len(earlier) == 1 and new.intersection(claim.stems[:SUBJECT]):
        return False
    return agrees(claim, earlier)


def agrees(claim: Claim, earlier: Sequence[Claim]) -> bool:
    """Whether `claim` gives each colour to what has it, and a single source says it in one place and not reversed."""
    for colour, things in claim.colours.items():
        known = [other.colours[colour] for other in earlier if colour in other.colours]
        if things and known and not things & frozenset[str]().union(*known):
            return False
    return len(earlier) > 1 or (_is_close(claim, earlier[0]) and not _is_swapped(claim, earlier[0]))


def _is_close(claim: Claim, other: Claim) -> bool:
    """Whether `other` says the words of `claim` in one place: in a long sentence few words can meet by chance."""
    wanted = claim.content & other.content
    places = [position for position, word in enumerate(other.stems) if word in wanted]
    room = 2 * len(wanted) + 1
    for start in places:
        if wanted <= set(other.stems[start : start + room]):
            return True
    return not wanted


def _is_swapped(claim: Claim, other: Claim) -> bool:
    """Whether subject and object have changed places: "The cat chases the dog." after "The dog chases the cat"."""
    now, then = ([word for word in c.stems if word not in COLOURS] for c in (claim, other))
    return len(now) > 2 and not (claim.passive or other.passive) and (now[0], now[-1]) == (then[-1], then[0])


def _stated(claim: Claim, earlier: Sequence[Claim]) -> int | None:
    """The first earlier statement that says what the statement `claim` says of the picture; None if there is none."""
    head, value = claim.statement
    for position, other in enumerate(earlier):
        other_head, other_value = other.statement
        if other_head and {head, other_head} != {"it"}:  # two "it" may mean two things; `_is_said` knows
            same = head == other_head
            stated_twice = same and head != "it" and position == len(earlier) - 1
            if value == other_value or (same and value <= other_value) or (stated_twice and value & other_value):
                return position
        if len(value) >= _LONG and value <= other.content:
            return position
    return None
