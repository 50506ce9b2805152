"""Refusals, and a model that speaks of itself."""

import re

from filters.quotations import count_matches
from pipeline.schema import Measurement, Passage, Rule

SELF_REFERENCE = re.compile(
    r"\bas an? (?:AI|artificial intelligence|(?:large |visual |multimodal )?language model|text-based|virtual assistant"
    r"|chatbot)\b"
    r"|\bI(?:['’]m| am) (?:just |only |merely )?an? (?:AI|artificial|(?:large )?language model|chatbot"
    r"|(?:virtual |text-based |digital )?assistant|machine|computer program)\b"
    r"|\b(?:AI|large) language model\b|\bAI (?:assistant|chatbot)\b|\bmy (?:training data|programming|knowledge cutoff)"
    r"|\bI(?:['’]m| am)? (?:cannot|can ?not|can['’]t|could not|couldn['’]t|unable to|not able to|do not|don['’]t"
    r"|did not|didn['’]t)(?: \w+)? (?:see|view|access|describe|provide|identify|determine|assist|help|fulfill|comply"
    r"|answer|generate|process|look|display|recogni[sz]e|have)\b"
    r"|\bno (?:image|picture|photo) (?:was|is|has been) (?:provided|attached|uploaded|loaded|shared)\b"
    r"|\b(?:image|picture|photo) (?:(?:was|is|has) not|(?:was|is|has)n['’]t)(?: been)? "
    r"(?:provided|attached|uploaded|loaded|shared)\b"
    r"|\bplease (?:upload|provide|share|attach|send)\b"
    r"|\bas (?:a|an) (?:AI|language) model\b|\bhow (?:can|may) I (?:help|assist)\b|\blet me know if\b",
    re.IGNORECASE,
)


def measure(passage: Passage) -> Measurement:
    """Number of refusals and self-references outside quotation marks."""
    return count_matches(SELF_REFERENCE, passage.text)


RULE = Rule(
    name="self_reference",
    why="A model that says what it is or cannot do has stopped describing the picture.",
    source='refusal phrases of instruction-tuned models ("As an AI language model"), as in Vicuna\'s data cleaning',
    measure=measure,
    fails="above",
    limit=0.0,
)
