"""Misspelt words: which a rewriter may mend, since their right spelling adds nothing."""

from __future__ import annotations

from filters.dictionary import dictionary

_KNOWN = 100  # times in the dictionary's texts; it holds "wite" too, 60 times
_SHORT, _LONG = 5, 8  # letters; a short word is a letter or two from too many others


def is_misspelling(wrong: str, right: str) -> bool:
    """Whether `wrong` is no English word, and `right` is one within a slip or two that begins with its letter.

    A slip is a letter left out, put in, put wrong or changed with its neighbour (Damerau's): one in a word of five
    letters or more, two in one of eight or more. The dictionary is pyspellchecker's, from subtitles: it lacks rare
    animals and brands, which a single slip turns into others ("skink", "skunk").
    """
    most = 1 if len(wrong) < _LONG else 2
    if len(wrong) < _SHORT or wrong[:1] != right[:1] or abs(len(wrong) - len(right)) > most or wrong.isdigit():
        return False
    words = dictionary()
    return words[wrong] < _KNOWN <= words[right] and 0 < slips(wrong, right) <= most


def slips(left: str, right: str) -> int:
    """Damerau and Levenshtein's distance (optimal string alignment)."""
    before: list[int] = []
    row = list(range(len(right) + 1))
    for i, a in enumerate(left, 1):
        older, before, row = before, row, [i]
        for j, b in enumerate(right, 1):
            cost = min(before[j] + 1, row[j - 1] + 1, before[j - 1] + (a != b))
            if i > 1 and j > 1 and a == right[j - 2] and b == left[i - 2]:
                cost = min(cost, older[j - 2] + 1)
            row.append(cost)
    return row[-1]
