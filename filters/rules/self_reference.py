"""A model that speaks of itself, or to its user."""

import re

from filters.quotations import count_matches
from pipeline.schema import Measurement, Passage, Rule

_SIGNS = frozenset(
    "i i'm i'll me my ai a.i chatbot assistant model language text-based bot program llm chatgpt gpt minigpt llava"
    " vicuna"
    " captioner describer intelligence questions welcome thank thanks anything you free being vision machine"
    " software computer captioning artificial".split()
)
_MIND = (
    r"(?:ai|a\.i\.|artificial intelligence|artificial|(?:\w+[- ]){0,3}language model|llm|text-based"
    r"|(?:\w+ )?virtual assistant"
    r"|chat ?bot|bot|digital assistant|(?:image |vision |visual |multimodal )(?:assistant|model|captioner|describer)"
    r"|computer program|machine learning|neural network|chatgpt|gpt|minigpt|llava|vicuna|assistant)"
)
SELF_REFERENCE = re.compile(
    rf"\bas (?:an? |just an? |only an? )(?:helpful |large |mere |simple )?{_MIND}\b(?! (?:on|in|that waits|who)\b)"
    rf"|\bi(?:['’]m| am| was) (?:just |only |merely |simply )?(?:an? )?(?:helpful |large )?{_MIND}\b"
    r"|\bi(?:['’]m| am) (?:an? |your )(?:\w+ )?(?:assistant|machine|model)\b"
    r"|\bi (?:was|am|have been) (?:trained|programmed|developed|designed|built|created|instructed) (?:by|on|to|for"
    r"|with|as)\b"
    r"|\b(?:ai|large) language model\b|\bai (?:assistant|chatbot|model), i\b|\bmy (?:training data|training|programming"
    r"|knowledge cutoff|knowledge base|developers|creators|capabilities|dataset)\b"
    r"|\bmy (?:\w+ )?(?:vision|visual|language|recognition|image|reasoning) (?:capabilities|abilities|skills|model"
    r"|module|system)\b"
    r"|\bmy (?:knowledge (?:ends|stops|is limited|only|does|goes)|makers|developer|creator|trainers|neural"
    r"|algorithms?|model)\b"
    rf"|\b(?:being|since i am|because i am|as i am|i am|i['’]m) (?:just |only |merely |simply "
    rf"|nothing but )?(?:an? |your )?"
    rf"(?:mere |simple |humble |large )?(?:{_MIND}|machine|program|algorithm|software|robot|computer)\b(?=[,;.]"
    rf"| (?:and|so|that"
    r"|which|trained|without|i |with no|model|system|program))(?<!robot)"
    r"|\bas an? (?:\w+ )?(?:computer vision|vision|text|text-only|image captioning|captioning|virtual|digital"
    r"|automated)"
    r" (?:system|model|helper|assistant|tool|program|service|agent)\b(?= i\b|,)"
    r"|\b(?:generated|written|produced|created|provided) by an? (?:\w+ )?(?:ai|language|image captioning|vision"
    r"|captioning"
    r"|artificial intelligence|machine learning)(?:[- ](?:language[- ])?(?:model|system|assistant|tool|program))\b"
    r"|\b(?:do|would|did) you (?:want|like) me to\b|\bwhat else (?:would|do|can|should) (?:you|i)\b"
    r"|\b(?:just|please|simply) (?:let me know|ask(?: me)?(?=[.!,]|$)|tell me (?:if|what|whether))"
    r"|\bi(?:['’]d| would) be (?:happy|glad|pleased|delighted) to\b|\bplease ask me\b|\bi have no (?:eyes|feelings"
    r"|emotions"
    r"|opinions?|personal|body|senses|consciousness)\b|\bi was made to (?:answer|describe|help)\b"
    r"|\bi (?:can|could|may) only (?:describe|see what|tell|provide|answer|comment)\b"
    r"|\bhow (?:can|may|else can) i (?:help|assist|be of)\b|\b(?:please )?let me know (?:if|what|whether|how|when)\b"
    r"|\bfeel free to (?:ask|let|contact|share|reach)\b|\bi hope (?:you|this|that|it|my|the (?:description|answer)) \w+"
    r"|\b(?:have|any|other|further|more) (?:any |other |further |more )?questions\b"
    r"|\banything else (?:you|i|that i|that you)\b|\bwould you like (?:me|to know|more|another)\b"
    r"|\b(?:happy|glad|pleased) to (?:help|assist|provide|describe|answer) (?:you|with|further|more|any)"
    r"|\bi(?:['’]m| am) (?:here|ready|happy|glad) to (?:help|assist|provide|describe|answer)\b"
    r"|\bthank(?:s| you) for (?:asking|sharing|providing|uploading|the (?:image|picture|photo|question)"
    r"|your (?:question|request|message|image|picture|patience|feedback|understanding))\b"
    r"|(?:^|[.!?] )you(?:['’]re| are) welcome[.!]"
    r"|\bi(?: will|['’]ll) (?:now |gladly |try to |do my best|be happy to )?(?:describe|try|provide|explain"
    r"|do my best|continue|help)\b"
    r"|(?:^|[.!?,] )let me (?:describe|explain|tell|try|continue|start|help|give|take)\b",
)


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
