"""Texts that are not English."""

from langdetect import DetectorFactory, LangDetectException, detect_langs

from pipeline.schema import Measurement, Passage, Rule


def measure(passage: Passage) -> Measurement:
    """1 - P(English) as langdetect sees it; 1 for a text in which it finds no language (empty, digits only)."""
    DetectorFactory.seed = 0  # in every process, or the same text gets different answers
    try:
        found = detect_langs(passage.text)
    except LangDetectException as nothing:
        return Measurement(1.0, str(nothing))
    english = sum(guess.prob for guess in found if guess.lang == "en")
    return Measurement(1.0 - min(1.0, english), f"langdetect says {found[0].lang}")


RULE = Rule(
    name="language",
    why="The instructions are English, so a description in another language is a failure to answer.",
    source="langdetect's probabilities; data-juicer's language_id_score_filter",
    measure=measure,
    fails="above",
    limit=0.5,
    costly=True,
)
