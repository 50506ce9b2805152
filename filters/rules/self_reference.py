"""A model that speaks of itself, or to its user."""

import re

from filters.quotations import count_matches
from pipeline.schema import Measurement, Passage, Rule

# A text without any of these words speaks of no model and to no user.
_SIGNS = frozenset(
    "i i'm i'll me my you ai a.i chatbot assistant model language text-based bot program llm chatgpt gpt minigpt llava"
    " vicuna captioner describer intelligence questions welcome thank thanks anything free".split()
)
_MIND = (
    r"(?:ai|a\.i\.|artificial(?: intelligence)?|(?:\w+[- ]){0,3}language model|llm|text-based"
    r"|(?:\w+ )?virtual assistant"
    r"|chat ?bot|bot|digital assistant|(?:image |vision |visual |multimodal )(?:assistant|model|captioner|describer)"
    r"|computer program|machine learning|neural network|chatgpt|gpt|minigpt|llava|vicuna|assistant)"
)
_PHRASES = (
    # "as an AI", "I'm just a language model", "I was trained on", "my training data"
    rf"\bas (?:just |only )?(?:an?|your) (?:helpful |large |mere |simple )?{_MIND}\b(?! (?:on|in|that waits|who)\b)",
    rf"\bi(?:['’]m| am| was) (?:just |only |merely |simply )?(?:an? )?(?:helpful |large )?{_MIND}\b",
    r"\bi(?:['’]m| am) (?:an? |your )(?:\w+ )?(?:assistant|machine|model)\b",
    (
        r"\bi (?:was|am|have been) (?:trained|programmed|developed|designed|built|created|instructed)"
        r" (?:by|on|to|for|with|as)\b"
    ),
    r"\b(?:ai|large) language model\b|\bai (?:assistant|chatbot|model), i\b",
    r"\bmy (?:training(?: data)?|programming|knowledge (?:cutoff|base|is)|developers|creators|capabilities|dataset)\b",
    # "how can I help", "let me know if", "I hope this helps", "do you have any questions", "would you like me to"
    r"\bhow (?:can|may|else can) i (?:help|assist|be of)\b|\blet me know (?:if|what|whether|how|when)\b",
    r"\bfeel free to (?:ask|let|contact|share|reach)\b",
    r"\bi hope (?:you|this|that|it|my|the (?:description|answer)) \w+",
    r"\b(?:have|any|other|further|more) (?:any |other |further |more )?questions\b",
    r"\banything else (?:you|i|that i|that you)\b|\bwould you like (?:me|to know|more|another)\b",
    r"\b(?:happy|glad|pleased) to (?:help|assist|provide|describe|answer) (?:you|with|further|more|any)",
    r"\bi(?:['’]m| am) (?:here|ready|happy|glad) to (?:help|assist|provide|describe|answer)\b",
    # "thank you for sharing", "you're welcome", "I will now describe", "let me describe"
    (
        r"\bthank(?:s| you) for (?:asking|sharing|providing|uploading|the (?:image|picture|photo|question)"
        r"|your (?:question|request|message|image|picture|patience|feedback|understanding))\b"
    ),
    r"(?:^|[.!?] )you(?:['’]re| are) welcome[.!]",
    (
        r"\bi(?: will|['’]ll) (?:now |gladly |try to |be happy to )?(?:describe|try|provide|explain|do my best|continue"
        r"|help)\b"
    ),
    r"(?:^|[.!?,] )let me (?:describe|explain|tell|try|continue|start|help|give|take)\b",
)
SELF_REFERENCE = re.compile("|".join(_PHRASES))


def measure(passage: Passage) -> Measurement:
    """Number of self-references in the description's own words."""
    return Measurement(0.0) if _SIGNS.isdisjoint(passage.vocabulary) else count_matches(SELF_REFERENCE, passage.text)


RULE = Rule(
    name="self_reference",
    why="A model that says what it is, or offers its user help, has stopped describing the picture.",
    source='phrases of instruction-tuned models ("As an AI language model"), as in Vicuna\'s data cleaning',
    measure=measure,
    fails="above",
    limit=0.0,
)
