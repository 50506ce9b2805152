"""Whether answers speak of what people wrote of the picture: recall of their words, and objects that they lack (CHAIR).

Words are compared as concepts: stems of content words, synonyms joined ("a photo of two bikes" says {two, bicycle}).
A text that says nothing names no wrong object, and one that says everything leaves none out: neither figure is worth
anything without the other, nor without the length. `measure_reference` gives them together.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from filters.english import FUNCTION_WORDS, HUES, content_words
from filters.synonyms import concept
from pipeline.comparison import Estimate, bootstrap_ratios, mean_with_interval
from pipeline.parquet import read_table
from pipeline.schema import split_words

Keywords = Sequence[str | None] | None  # as CANDIDATE has them
Texts = Sequence[Sequence[str]]  # [picture][seed]


@dataclass(frozen=True)
class Reference:
    """What people wrote of a picture: the concepts of its caption and keywords, and whether it has any keyword.

    Recall counts pictures with any concept. CHAIR counts only those with keywords: a bare caption does not list
    what there is to see.
    """

    concepts: frozenset[str]
    has_keywords: bool


@dataclass(frozen=True)
class ReferenceScores:
    """Recall and CHAIR of one model's answers with 95 % intervals over pictures, and what they must be read beside."""

    recall: Estimate  # over `recall_pictures`
    chair_i: Estimate  # over `chair_pictures`
    chair_s: Estimate  # over `chair_pictures`
    mean_objects: float | None  # different object words in an answer, right or wrong, over all answers
    mean_words: float | None  # length of an answer, over all answers
    recall_pictures: int
    chair_pictures: int

    def as_dict(self) -> dict[str, float | None]:
        """`recall`, `chair_i`, `chair_s`, each with its `_low` and `_high`; the others by their names."""
        return {
            **self.recall.as_dict("recall"),
            **self.chair_i.as_dict("chair_i"),
            **self.chair_s.as_dict("chair_s"),
            "mean_objects": self.mean_objects,
            "mean_words": self.mean_words,
            "recall_pictures": self.recall_pictures,
            "chair_pictures": self.chair_pictures,
        }


def concepts_of(text: str) -> frozenset[str]:
    """The concepts of a text's content words, without function words ("on", "behind") and its frame ("image shows")."""
    words = split_words(text.replace("’", "'"))
    return frozenset(map(concept, content_words(word for word in words if word not in FUNCTION_WORDS)))


def read_reference(caption: str, keywords: Keywords) -> Reference:
    """The reference of one row of the corpus; a blank or null keyword is none."""
    given = [keyword for keyword in keywords or [] if keyword and keyword.strip()]
    return Reference(concepts_of("\n".join([caption, *given])), bool(given))


def object_vocabulary(corpus: Iterable[Keywords], least: int) -> frozenset[str]:
    """The concepts of the keywords of one word that at least `least` pictures of the corpus have; colours are none.

    It stands for COCO's 80 objects and their synonyms. Keywords are topics too ("geography"), so CHAIR over it tells
    what people did not say of the picture rather than what is not there: it compares models, not papers.
    """
    counts = Counter(word for keywords in corpus for word in frozenset(map(_object_word, keywords or [])))
    return frozenset(word for word, pictures in counts.items() if word and pictures >= least)


def corpus_objects(corpus: Path, least: int) -> frozenset[str]:
    """The vocabulary of a corpus.parquet."""
    return object_vocabulary(read_table(corpus, ["keywords"])["keywords"].to_pylist(), least)


def _object_word(keyword: str | None) -> str:
    """The concept that a keyword of one word stands for; "" for any other keyword."""
    words = split_words(keyword or "")
    concepts = concepts_of(words[0]) if len(words) == 1 and words[0] not in HUES else frozenset()
    return next(iter(concepts)) if len(concepts) == 1 else ""


def recalls(texts: Texts, references: Sequence[Reference]) -> list[list[float]]:
    """|concepts of the answer that the reference has| / |concepts of the reference|, [picture][seed].

    Pictures whose reference has no concept are left out, by their reference alone: the recalls of two models on the
    same pictures can be paired.
    """
    return [
        [len(concepts_of(text) & reference.concepts) / len(reference.concepts) for text in answers]
        for answers, reference in zip(texts, references, strict=True)
        if reference.concepts
    ]


def measure_reference(
    texts: Texts, references: Sequence[Reference], vocabulary: frozenset[str], resamples: int, seed: int
) -> ReferenceScores:
    """Recall and CHAIR (Rohrbach et al. 2018, arXiv 1809.02156) of `texts[picture][seed]`.

    Recall is the mean of `recalls`.

    An answer mentions the concepts that it shares with `vocabulary`, and hallucinates those that the reference lacks.
    CHAIR_i = hallucinated / mentioned concepts, summed over answers; CHAIR_s = answers with a hallucinated concept /
    answers. A concept counts once an answer, as the paper's sets have it; the authors' program counts it each time
    it is said, which in an answer that loops would measure the loop.

    Pictures without keywords do not count for CHAIR, nor does any where the vocabulary is empty; a figure for which
    nothing counts is None, and so is CHAIR_i where no answer mentions an object. Raises ValueError where there is
    not one reference for each picture.
    """
    mentioned = [[concepts_of(text) & vocabulary for text in answers] for answers in texts]
    counted = [
        (objects, [words - reference.concepts for words in objects])
        for objects, reference in zip(mentioned, references, strict=True)
        if vocabulary and reference.has_keywords
    ]
    parts = [[sum(map(len, wrong)), sum(map(bool, wrong))] for _, wrong in counted]
    wholes = [[sum(map(len, objects)), len(objects)] for objects, _ in counted]
    shape = (len(counted), 2)
    chair_i, chair_s = bootstrap_ratios(np.reshape(parts, shape), np.reshape(wholes, shape), resamples, seed)
    recalled = recalls(texts, references)
    return ReferenceScores(
        recall=mean_with_interval(recalled, resamples, seed),
        chair_i=chair_i,
        chair_s=chair_s,
        mean_objects=_mean([len(words) for answers in mentioned for words in answers]),
        mean_words=_mean([len(split_words(text)) for answers in texts for text in answers]),
        recall_pictures=len(recalled),
        chair_pictures=len(counted),
    )


def _mean(values: Sequence[int]) -> float | None:
    return sum(values) / len(values) if values else None
