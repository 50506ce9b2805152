"""Descriptions that repeat the instruction."""

import re
from collections.abc import Sequence
from itertools import pairwise

from filters.english import stem, words_of
from filters.quotations import own_words
from pipeline.schema import Measurement, Passage, Rule

INSTRUCTIONS = (
    "describe this image in detail",
    "give as many details as possible",
    "say everything you see",
    "take a look at this image and describe what you notice",
    "please provide a detailed description of the picture",
    "could you describe the contents of this image for me",
    "fix the error in the given paragraph",
    "remove any repeating sentences",
    "remove unnecessary repetition",
    "rewrite any incomplete sentences",
    "return directly the results without explanation",
    "return directly the input paragraph",
    "if it is already correct without explanation",
)
_STEMS = tuple(tuple(stem(word) for word in phrase.split()) for phrase in INSTRUCTIONS)
_PAIRS = tuple(frozenset(pairwise(stems)) for stems in _STEMS)
_WHOLE = tuple(f" {' '.join(stems)} " for stems in _STEMS)
_PICTURE = r"(?:image|picture|photo|photograph|scene|drawing|illustration|painting)"
_TELL = r"(?:describe|tell|explain|provide|give|write|list|say|look)"
# The same requests in other words. An order may be softened ("now please describe ...") or led in ("Task: ...").
_ORDERS = (
    # "describe what you notice in the picture", "caption this image", "summarise the scene"
    (
        r"(?:describe|caption|explain|summari[sz]e|analy[sz]e)"
        r" (?:(?:the|all|what|everything|in|as|every|each|to)\b[^.?!]*)?"
        rf"\b(?:this|the|that|following|given|attached|above) {_PICTURE}"
    ),
    # "describe everything", "describe in great detail"
    r"describe (?:what|everything|in (?:as much|great|more)|all (?:that|the) (?:you|objects|details))",
    # "write a short caption", "give me more details"
    (
        r"(?:give|write|provide|generate|produce|create)(?: me| us)? (?:a|an|one|the|as|more|some|your)\b[^.?!]*"
        r"\b(?:description|details?|caption|paragraph|summary)\b"
    ),
    # "take a close look at this image", "look at the photo and"
    rf"take a (?:\w+ )?look at (?:this|the) {_PICTURE}",
    rf"look at (?:this|the) {_PICTURE}(?: and|,)",
    # "tell me about", "say what you", "list all the objects in"
    r"tell me (?:what|about|everything|more)",
    r"say (?:everything|what) you",
    r"list (?:everything|all the (?:objects|things)) (?:you|in)",
)
_PHRASES = (
    rf"(?:now |then )?(?:please |kindly )?(?:now )?(?:{'|'.join(_ORDERS)})",
    # questions: "Can you please tell", "What else can you see", "What is happening in the picture?"
    rf"(?:could|can|would|will) you (?:please |kindly )?{_TELL}\b",
    r"what (?:do|can|else do|else can) you (?:see|notice|observe)\b",
    rf"what(?: is|['’]s|s)? (?:shown|depicted|happening|going on|in)\b[^.!?]*\b{_PICTURE}\?",
    # work on a text: "correct all errors", "remove any repeated sentences"
    (
        r"(?:fix|correct|rewrite|improve|revise|proofread) (?:the|any|all|this)\b[^.?!]*"
        r"\b(?:paragraph|sentences?|text|errors?|description|grammar)\b"
    ),
    (
        r"(?:remove|delete|avoid) (?:any|all|the|unnecessary|repeating|repeated|redundant)\b[^.?!]*"
        r"\b(?:repetitions?|sentences?|characters|words|explanations?)\b"
    ),
    # conditions: "do not invent details", "use at most 50 words", "answer in complete sentences"
    (
        r"(?:do not|don['’]t|never|avoid) (?:mention|include|describe|repeat|add|use|say|invent|make up)(?:ing)?\b"
        rf"[^.?!]*\b(?:{_PICTURE}|sentences?|words|description|paragraph|answer|details)\b"
    ),
    (
        r"(?:use|write|give) (?:at (?:least|most)|no more than|up to|around|about|fewer than|less than)"
        r" (?:\w+ )?(?:words|sentences|details|characters)\b"
    ),
    # a system prompt: "You are a helpful assistant"
    r"you are an? (?:\w+ )?(?:assistant|model|ai|captioner|chatbot)\b",
    # "Continue.", "Return only"
    r"continue(?: the (?:description|paragraph|text))?[.!]?$",
    r"(?:return|answer|respond|reply|output) (?:directly|only|with|in)\b",
    r"(?:answer|use|write|be as) (?:in )?(?:\w+ ){0,3}(?:complete sentences|detailed as possible|specific as possible)",
)
# Each opens its sentence, where a description has its subject.
REQUEST = re.compile(rf"(?:[^\"“.!?:]{{0,40}}:\s+)?(?:{'|'.join(_PHRASES)})", re.IGNORECASE)
_SIGNS = frozenset(
    "image detail details possible everything see look notice provide description contents describe fix error"
    " paragraph remove repeating sentences unnecessary repetition rewrite incomplete return directly results"
    " explanation input already correct".split()
)
_ASKING = frozenset(
    "describe caption explain continue summarize summarise analyze analyse give write provide generate produce create"
    " take look tell say list could can would will what what's whats fix correct rewrite improve revise proofread"
    " remove delete avoid return do don't never you answer respond reply output use be".split()
)  # one of these is among the first three words of a request
_MOST = 0.8  # of an instruction's words; more are an echo
_TELLING = 2  # an instruction of which fewer words are said is not echoed


def is_request(sentence: str) -> bool:
    """Whether one sentence is a request, or an instruction's words and nothing else ("image in detail.")."""
    if REQUEST.match(sentence):
        return True
    stems = [stem(word) for word in words_of(own_words(sentence))]
    said = f" {' '.join(stems)} "
    if len(stems) > 1 and any(said in wanted for wanted in _WHOLE):
        return True
    return any(run > _MOST * len(wanted) for run, wanted in zip(_longest_runs(stems), _STEMS, strict=True))


def measure(passage: Passage) -> Measurement:
    """Largest share of one instruction's words (stemmed) said in a row, or 1 for a request in other words; 0 to 1.

    0 where less than two of the words that tell an instruction are said at all.
    """
    for sentence, words in zip(passage.sentences, passage.sentence_words, strict=True):
        asking = ":" in sentence or not _ASKING.isdisjoint(words[:3])
        if asking and (request := REQUEST.match(sentence)):
            return Measurement(1.0, f'"{request[0][:60]}"')
    if len(_SIGNS & passage.vocabulary) < _TELLING:
        return Measurement(0.0)
    stems = [stem(word) for word in words_of(own_words(passage.text))]
    worst = Measurement(0.0)
    for phrase, wanted, run in zip(INSTRUCTIONS, _STEMS, _longest_runs(stems), strict=True):
        share = run / len(wanted)
        if share > worst.value:
            worst = Measurement(share, f'"{phrase}"')
    return worst


def _longest_runs(said: Sequence[str]) -> list[int]:
    """Of each instruction, how many of its stems in a row `said` holds in a row; 0 for fewer than two."""
    pairs, text = frozenset(pairwise(said)), f" {' '.join(said)} "
    return [
        0 if own.isdisjoint(pairs) else _longest_run(wanted, text) for wanted, own in zip(_STEMS, _PAIRS, strict=True)
    ]


def _longest_run(stems: tuple[str, ...], said: str) -> int:
    for length in range(len(stems), 1, -1):
        for start in range(len(stems) - length + 1):
            if f" {' '.join(stems[start : start + length])} " in said:
                return length
    return 0


RULE = Rule(
    name="instruction_echo",
    why="An answer that repeats its instruction says nothing of the picture.",
    source="MiniGPT-4's own prompts (arXiv 2304.10592, sections 3.2 and 3.3), and requests like them",
    measure=measure,
    fails="above",
    limit=_MOST,
)
