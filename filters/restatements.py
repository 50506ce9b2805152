"""Whether a sentence only says in other words what earlier ones have said."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from filters.claims import COLOURS, Claim
from filters.english import PLACE_PREPOSITIONS, stem
from filters.synonyms import concept, concepts

# Prepositions that a paraphrase trades for one another; "under" and "behind" are news.
_NEUTRAL = frozenset(
    "in on into onto against along up down off out about around within upon through across from".split()
)
# A word of these is news in itself.
TELLING = concepts(
    map(
        stem,
        COLOURS
        | (PLACE_PREPOSITIONS - _NEUTRAL)
        | frozenset(
            "left right top bottom middle upper lower front back next one two three four five six seven eight nine ten"
            " first second third fourth last anoth other each both not no nobodi none never without he she male femal"
            " half dozen".split()
        ),
    )
)
_PLACES = concepts(map(stem, PLACE_PREPOSITIONS)) | {concept("next")}
# Verbs of being somewhere and of having, and words of vague number: a paraphrase trades these too.
_WEAK = concepts(
    map(
        stem,
        "sit stand lie rest hang place put set hold have wear carry make go come get let use occupy take give keep"
        " stay remain do attach tie provide number several amount various few some bit way only just even".split(),
    )
)
_EMPTY = _WEAK | _NEUTRAL
_LEAST = 3  # words beyond weak ones; fewer meet by chance
_LEAST_OF_SEVERAL = 4  # such words of a sentence that sums up several
SUBJECT = 3  # first stems of a claim; a new one among them is another subject
_MOST_SOURCES = 3
_LONG = 6  # such words of a sentence that may have one more than its source


def core(claim: Claim) -> frozenset[str]:
    """What a claim says beyond neutral prepositions, verbs of being and having, and vague numbers."""
    return claim.content - _EMPTY


class Statements:
    """The claims of a text so far, asked whether the next one has news."""

    def __init__(self, agree: Callable[[Claim, Sequence[Claim]], bool]) -> None:
        """`agree` says whether colours, and subject and object, of a claim are those of its sources."""
        self._agree = agree
        self._claims: list[Claim] = []
        self._cores: list[frozenset[str]] = []
        self._known: set[str] = set()

    def add(self, claim: Claim) -> None:
        """Remember `claim`."""
        said = core(claim) | claim.people
        self._claims.append(claim)
        self._cores.append(said)
        self._known |= said

    def restated(self, claim: Claim) -> int | None:
        """Position of the first claim so far that `claim` says again in other words; None if it has news.

        It has none if each word of its core is in one of them ("The sleeves of her dress are long and made of lace."
        after "Her dress has long lace sleeves."), or in two or three that give two words or more each, as closing
        summaries do; the last may give one. A sentence of six such words may have one more, behind its subject, if it
        says all that its source does or the word is known.
        """
        own = core(claim)
        unheard = own - self._known
        if len(own) < _LEAST or len(unheard) > (len(own) >= _LONG) or unheard & TELLING:
            return None
        for position, said in enumerate(self._cores):
            source = self._claims[position]
            if self._holds(claim, own, said) and not _moves(claim, source) and self._agree(claim, [source]):
                return position
        sources = _sources(own, self._cores) if len(own) >= _LEAST_OF_SEVERAL else []
        if len(sources) > 1 and not own - frozenset[str]().union(*(self._cores[position] for position in sources)):
            return min(sources) if self._agree(claim, [self._claims[position] for position in sources]) else None
        return None

    def _holds(self, claim: Claim, own: frozenset[str], said: frozenset[str]) -> bool:
        """Whether what `said` lacks of `own` is nothing, or one word that adds nothing to speak of."""
        news = own - said
        if not news:
            return True
        if len(own) < _LONG or len(news) > 1 or news & TELLING or news & frozenset(claim.stems[:SUBJECT]):
            return False
        return news <= self._known or said <= own


def _sources(own: frozenset[str], cores: Sequence[frozenset[str]]) -> list[int]:
    """The claims that together say most of `own`, the one that says most first; each gives two words or more.

    The last may give one, if `own` is long or it holds another one too.
    """
    sources, rest = list[int](), own
    while rest and len(sources) < _MOST_SOURCES:
        best = max(range(len(cores)), key=lambda place: (len(cores[place] & rest), len(cores[place] & own)))
        single = len(rest) == 1 and len(cores[best] & own) > (len(own) <= _LEAST_OF_SEVERAL)
        if len(cores[best] & rest) < (1 if single else 2):
            break
        sources.append(best)
        rest -= cores[best]
    return sources


def _moves(claim: Claim, source: Claim) -> bool:
    """Whether `claim` puts a thing elsewhere: "on the mat" after "under the mat"."""
    places = claim.content & _PLACES
    return bool(places - source.content) and bool(source.content & TELLING & _PLACES - places)
