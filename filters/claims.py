"""What a sentence claims: its content, what its colours belong to, and whom its pronoun means."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property, lru_cache
from itertools import chain

from filters.english import (
    ARTICLES,
    FEMALE,
    FINITE_VERBS,
    FRAME_WORDS,
    FUNCTION_WORDS,
    HUES,
    MALE,
    content_words,
    stem,
)
from filters.synonyms import concept

COLOURS = HUES | frozenset("dark light bright pale".split())
# Words that only weigh a claim: without them it says the same.
_DEGREE = frozenset(
    "main also overall additionally moreover furthermore again clearly prominently really quite simply mainly mostly"
    " primarily present located situated positioned placed primary general entire whole seem seems seemed appear"
    " appears too still currently notably finally lastly conclusion summary sum scene frame able".split()
)
_FRAMES = FRAME_WORDS | frozenset("scene frame drawing illustration painting photography shot composition".split())
_LOOSE = _DEGREE | _FRAMES | {"color", "colour"}
_MALE, _FEMALE = frozenset(map(stem, MALE)), frozenset(map(stem, FEMALE))
_POINTING = {
    "it": "it", "its": "it", "he": "he", "his": "he", "him": "he", "she": "she", "her": "she", "they": "they",
    "their": "they",
}  # fmt: skip
# Heads of statements about the description itself: "The main colour is", "The mood of the scene is".
_HEADS = frozenset(
    "color colour colors colours subject subjects topic theme style mood atmosphere feeling vibe ambience ambiance tone"
    " image one ones task area type focus shape motif motifs".split()
)
_LINKING = frozenset("in of from throughout within to".split())
_QUALIFIERS = frozenset("main other primary overall general whole dominant central secondary".split())


# Whom a pronoun shows to be there.
_PEOPLE = {"she": "woman", "her": "woman", "hers": "woman", "he": "man", "his": "man", "him": "man"}


class Claim:
    """One sentence as the filters compare it; what few sentences need is worked out when it is asked for.

    Stems are those of the first of each group of synonyms.
    """

    def __init__(self, words: Sequence[str], before: Claim | None) -> None:
        self.words = _without_frame(words)
        self.pointing = _POINTING.get(self.words[0], "") if self.words else ""
        self.before = before
        meant = _referent(self.pointing, self.subject) if self.pointing else ()
        self.stems = (*meant, *_content(self.words))  # in order; a leading pronoun gives way to what it means
        self.content = frozenset(self.stems)
        head, value = _statement(self.words)
        # Head and value: "color" and {"blue"} for "The main colour is blue."; ("", {}) for what is no statement.
        self.statement = head, frozenset(value)

    @cached_property
    def subject(self) -> tuple[str, ...]:
        """Stems of the first noun phrase, or of the last subject that a leading pronoun can mean."""
        return _last_of_sex(self.pointing, self.before) if self.pointing else _subject(self.words)

    @cached_property
    def colours(self) -> Mapping[str, frozenset[str]]:
        """Colour -> stems of what it may belong to."""
        return _colours(self.words, self.subject)

    @property
    def people(self) -> frozenset[str]:
        """Whose pronouns it says: "woman" for "she" or "her", "man" likewise."""
        return frozenset(_PEOPLE[word] for word in _PEOPLE.keys() & self.words)

    @property
    def passive(self) -> bool:
        """Whether subject and object may stand the other way round."""
        return "by" in self.words


def read_claims(sentences: Iterable[Sequence[str]]) -> list[Claim]:
    """The claims of a text's sentences, given as lower-cased words, in order."""
    claims: list[Claim] = []
    for words in sentences:
        claims.append(Claim(words, claims[-1] if claims else None))
    return claims


def _content(words: Iterable[str]) -> list[str]:
    return list(chain.from_iterable(map(_concepts_of, words)))


@lru_cache(maxsize=8192)
def _concepts_of(word: str) -> tuple[str, ...]:
    return tuple(map(concept, content_words([word])))


def _without_frame(words: Sequence[str]) -> list[str]:
    """`words` less those of degree and less phrases such as "in the image", "of this scene", "blue in colour"."""
    if _LOOSE.isdisjoint(words):
        return list(words)
    kept: list[str] = []
    position = 0
    while position < len(words):
        word = words[position]
        if word in _LINKING:
            noun = position + (2 if words[position + 1 : position + 2] in (["the"], ["this"]) else 1)
            following = words[noun] if noun < len(words) else ""
            if following in _FRAMES or (word == "in" and following in {"color", "colour"}):
                position = noun + 1
                continue
        if word not in _DEGREE:
            kept.append(word)
        position += 1
    return kept


def _subject(words: Sequence[str]) -> tuple[str, ...]:
    """Stems of the first noun phrase: before the first verb, or behind it after "The image shows" and "There is"."""
    verb = next((i for i, word in enumerate(words) if i and word in FINITE_VERBS), min(len(words), 4))
    before = _content(words[:verb])
    if before:
        return tuple(before[:3])
    phrase: list[str] = []
    for word in words[verb + 1 :]:
        if word in FUNCTION_WORDS and word not in ARTICLES:
            break
        phrase += _content([word])
    return tuple(phrase[:3])


def _last_of_sex(pronoun: str, before: Claim | None) -> tuple[str, ...]:
    """The last subject that "he" or "she" can mean ("A woman ... . The sun shines. She ..."), else the last of all."""
    sex = {"he": _MALE, "she": _FEMALE}.get(pronoun, frozenset())
    claim = before
    while claim and sex:
        if sex.intersection(claim.subject):
            return claim.subject
        claim = claim.before
    return before.subject if before else ()


def _referent(pronoun: str, subject: Sequence[str]) -> Sequence[str]:
    """The stems that a leading pronoun stands for: the last subject, or the pronoun itself where that is another's."""
    wrong = {"he": _FEMALE, "she": _MALE}.get(pronoun, frozenset())
    return [pronoun] if pronoun in {"he", "she"} and (not subject or wrong.intersection(subject)) else subject


def _colours(words: Sequence[str], subject: Sequence[str]) -> dict[str, frozenset[str]]:
    """What each colour belongs to: the words that follow it up to a function word, or else what stands before."""
    found: dict[str, frozenset[str]] = {}
    for position, word in enumerate(words):
        if word not in COLOURS:
            continue
        described: list[str] = []
        for following in words[position + 1 :]:
            if following in COLOURS or (following in {"and", "or"} and not described):
                continue
            if described and following == "of":  # "a green ball of wool", "a ball of green wool"
                continue
            if following in FUNCTION_WORDS or len(described) == 3:
                break
            described.append(concept(stem(following)))
        if not described:  # "the horses are brown": the noun before it, or the subject where that is further off
            before = next((w for w in reversed(words[:position]) if w not in FUNCTION_WORDS and w not in COLOURS), None)
            described = [*subject, *_content([before] if before else [])]
        colour = concept(stem(word))
        found[colour] = found.get(colour, frozenset()) | frozenset(described)
    return found


def _statement(words: Sequence[str]) -> tuple[str, list[str]]:
    """Head and value of a statement about the picture as a whole; ("", []) for any other sentence."""
    opens = words[:1] == ["it"] or (words[:1] == ["the"] and not _HEADS.isdisjoint(words[1:4]))
    if not opens:
        return "", []
    rest = [word for word in words if word not in _QUALIFIERS]
    if rest[:2] == ["it", "is"] or rest[:4] == ["it", "has", "to", "do"]:
        value = _content(word for word in rest[2 if rest[1] == "is" else 4 :] if word != "about")
        return ("it", value) if value else ("", [])
    opening = rest[3:4] == ["of"]  # "The image is of a school."
    if len(rest) > 3 and rest[0] == "the" and rest[1] in _HEADS and rest[2] in {"is", "are"} and not opening:
        return stem(rest[1]), _content(rest[3:])
    return "", []
