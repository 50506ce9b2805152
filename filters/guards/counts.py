"""Numbers that change without a number word: one thing made two, a person given a sex."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from filters.english import FEMALE, HUES, MALE, POSSESSIVES, PRONOUNS, RELATIVES
from filters.guards.words import IRREGULAR_PLURALS, SEVERAL, Sentences, is_content, root

_ONE = frozenset("a an one another".split())
_THIS_ONE = frozenset("the this that".split())
_DETERMINERS = _ONE | _THIS_ONE | SEVERAL
_POSSESSIVES = POSSESSIVES | {"his", "her"}
_HE, _SHE = "he him his himself".split(), "she her hers herself".split()
_GENDERED = dict.fromkeys(_HE, MALE.union(_HE)) | dict.fromkeys(_SHE, FEMALE.union(_SHE))


def changed_counts(source: Sentences, answer: Sentences) -> Iterator[str]:
    """What is one in `source` and several in `answer`, or the other way round: "a dog" -> "a dog and a dog", "dogs"."""
    given, said = _forms(source), _forms(answer)
    for name, forms in said.items():
        was = given.get(name)
        if was is None:
            continue
        if forms["one"] > max(1, was["one"]) and forms["one"] > 1:
            yield f"one more {name}"
        elif not was["many"] and ((forms["many"] and was["one"]) or (forms["new"] and was["definite"])):
            yield f"several {name}"
        elif forms["one"] and not forms["many"] and was["many"] and not was["single"]:
            yield f"one {name}"


def _forms(sentences: Sentences) -> dict[str, Counter[str]]:
    """For each stem how often its words mean one ("single") and several ("many").

    Of the single, "one" stand behind "a" and "definite" behind "a" or "the"; of the many, "new" behind neither a
    determiner nor a possessive. A word on -s behind a noun or a pronoun may be a verb ("a cat sits"), and "a flowers"
    is anybody's guess: they count as neither.
    """
    forms: dict[str, Counter[str]] = {}
    for words in sentences:
        determiner, subject, possessed = "", False, False
        for word in words:
            if not is_content(word):
                # Colours stand between a determiner and its noun.
                determiner = word if word in _DETERMINERS else determiner * (word in HUES)
                subject = word in PRONOUNS | RELATIVES
                possessed = word in _POSSESSIVES
                continue
            counts = forms.setdefault(root(word), Counter())
            if determiner in SEVERAL or (_is_plural(word) and not subject and determiner not in _ONE):
                counts["many"] += 1
                counts["new"] += not determiner and not possessed
            elif not _is_plural(word):
                counts["single"] += 1
                counts["one"] += determiner in _ONE and not word.endswith("ing")  # "a woman sewing"
                counts["definite"] += determiner in _ONE | _THIS_ONE
            subject = True
    return forms


def _is_plural(word: str) -> bool:
    return word in IRREGULAR_PLURALS or (word.endswith("s") and not word.endswith("ss") and len(word) > 3)


def given_sexes(source: Sentences, answer: Sentences) -> Iterator[str]:
    """Pronouns of a sex that nobody in `source` has."""
    given = {word for words in source for word in words}
    for word in dict.fromkeys(word for words in answer for word in words):
        if word in _GENDERED and not given & _GENDERED[word]:
            yield word
