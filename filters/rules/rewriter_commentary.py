"""What a rewriter says of the text instead of rewriting it."""

import re

from filters.quotations import count_matches
from pipeline.schema import Measurement, Passage, Rule

_TEXT = (
    r"(?:paragraph|text|passage|sentence|description|caption|version|rewrite|output|result|response|answer|wording"
    r"|grammar|spelling|punctuation)s?"
)
_MENDED = (
    r"(?:corrected|revised|rewritten|fixed|improved|edited|cleaned(?:[- ]up)?|updated|final|polished|refined|modified"
    r"|rephrased|reworded|shortened|condensed|proofread|amended|enhanced)"
)
_DONE = (
    r"(?:removed|corrected|fixed|rewritten|rewrote|revised|changed|edited|deleted|replaced|rephrased|reworded"
    r"|shortened|cleaned|merged|combined|kept|left (?:it|the)|omitted|proofread|made (?:the following|some|a few|no"
    r"|minor"
    r"|several|these|all|the necessary) (?:\w+ )?(?:changes?|edits?|corrections?|improvements?|adjustments?))"
)
_ERRORS = r"(?:errors?|mistakes?|typos?|repetitions?|redundanc(?:y|ies)|inconsistenc(?:y|ies))"
_PLACED = (
    r"(?! (?:printed|written|located|placed|in|on|at|above|below|under|next|framed|highlighted|set|centered|engraved"
    r"|carved|painted|overlaid|displayed|visible|too small|large|small|white|black|red|blue|bold))"
)
_SIGNS = frozenset(
    "here here's paragraph paragraphs passage passages sentence sentences description descriptions caption captions"
    " version versions rewrite output result results response answer wording grammar spelling punctuation"
    " correct corrected incorrect error errors mistake mistakes typo typos repetition repetitions redundant redundancy"
    " redundancies inconsistency inconsistencies change changes edit edits edited revised rewritten fixed improved"
    " updated"
    " polished refined modified rephrased reworded shortened condensed proofread amended enhanced cleaned"
    " correction corrections changed removed explanation reasoning note notes comment sure certainly okay ok absolutely"
    " alright course requested request instructed instructions know understood it problem continued grammatical"
    " grammatically unchanged input image picture photo photograph assistant's original text texts i".split()
) - frozenset(["it", "text", "texts"])
COMMENTARY = re.compile(
    rf"\b(?:here(?:['’]s| is| are)|below (?:is|are)|(?:the following|this) is|(?:this|it) would be) "
    rf"(?:the|a|an|your|my) (?:\w+ )?{_MENDED}(?: (?:and|&) \w+)?(?: {_TEXT}|\b(?=[:.]))"
    rf"|\bhere(?:['’]s| is| are) (?:the|a|an|your|my|one) {_MENDED}\b"
    rf"|\b(?:here(?:['’]s| is| are)|below (?:is|are)) (?:the|a|your|my|one possible) (?:\w+ )?{_TEXT}(?: \w+){{0,5}}:"
    rf"|\b(?:the|this|your) (?:given|above|input|original|provided|following) {_TEXT}\b(?! (?:on|in) the)"
    rf"|(?:^|[.!?:(]\s*)(?:the|this|your) (?:paragraph|passage) (?:is|was|has|contains|does|describes|seems|appears"
    r"|can be"
    rf"|could be|should|needs|already)\b{_PLACED}"
    rf"|\b{_TEXT} (?:is|are|was|were|seems?|appears?|looks?|remains?|has been|have been)(?: to be)?(?: \w+)? (?:correct"
    rf"|corrected|unchanged|error-free|revised|rewritten|removed|edited|incorrect|grammatical|redundant|repetitive"
    r"|incomplete|shortened|rephrased)\b"
    rf"|\b(?:{_TEXT}|rest) (?:remains?|stays?|is left|was left) (?:unchanged|as it (?:is|was)|the same)\b"
    rf"|\balready (?:grammatically )?correct\b|\b(?:grammatically|factually) (?:in)?correct\b"
    rf"|\b(?:the|this|my) (?:corrected|rewritten|fixed|revised|reworded|rephrased) {_TEXT}\b"
    rf"|(?:^|[.!?\n(\[*]\s*){_MENDED}(?: {_TEXT})?\**\s*:"
    rf"|(?:^|[.!?\n(\[*]\s*)(?:changes?|edits?|corrections?|explanation|reasoning|output|result|response|rewrite|paragraph"
    rf"|description|caption|note|notes|comment|input|original(?: {_TEXT})?)(?: made)?\**\s*:"
    r"|\bthis (?:version|rewrite|revision)\b(?! of)|^(?:image|picture|photo|photograph)(?: description| caption)?\s*:"
    r"|\b(?:assistant|model|ai)(?:['’]s)? (?:answer|response|output|reply)\b"
    rf"|\bno (?:\w+ )?(?:{_ERRORS}|changes?|corrections?|edits?|revisions?) (?:(?:were|was|are|is|to be|have been) )?"
    r"(?:found|needed|necessary|required|made|detected|correct|present|to correct)"
    rf"|\b(?:not?|n['’]t) (?:contain|have|need|require|find|see|detect)(?: any| further)? (?:\w+ )?"
    rf"(?:{_ERRORS}|corrections?|changes?|revisions?|rewriting)\b|\b(?:needs?"
    r"|requires?) no (?:further )?(?:correction|change"
    rf"|edit|revision)|\b{_ERRORS} (?:in|of|from) (?:the|this|your) (?:\w+ )?{_TEXT}\b"
    rf"|\bi(?:['’]ve| have|['’]ll| will)?(?: also| only| just| simply| now)? (?:{_DONE})\b"
    rf"|\b(?:could not|couldn['’]t|cannot|can['’]t) find (?:anything|any {_ERRORS})"
    rf"|\bthe correct (?:sentence|version|form|wording|spelling|phrase) (?:is|should|would)\b"
    r"|\b(?:grammatical|grammar|spelling) (?:errors?|mistakes?)\b|\bwithout (?:any )?explanation\b"
    r"|\b(?:repeat(?:ing|ed)|duplicated?|redundant|incomplete|unfinished|repetitive) (?:sentences?|phrases?|words)\b"
    r"|\b(?:unnecessary|redundant) repetitions?\b|\b(?:as|per) (?:you )?(?:requested|instructed|your (?:request"
    r"|instructions?))\b"
    r"|\blet me know (?:if|what|whether|how|when)\b|^\W*(?:sure|certainly|of course|okay|ok|absolutely|alright"
    r"|no problem|got it|understood)\s*(?:[,!.:]|[–—-]\s)"
    r"|[(\[]\s*(?:note|continued|edited|sic: |end of|to be continued)\b",
)


def measure(passage: Passage) -> Measurement:
    """Number of remarks about the text in the description's own words."""
    return Measurement(0.0) if _SIGNS.isdisjoint(passage.vocabulary) else count_matches(COMMENTARY, passage.text)


RULE = Rule(
    name="rewriter_commentary",
    why="A remark about the text is no description of the picture.",
    source='MiniGPT-4 (arXiv 2304.10592): the repair prompt asks for results "without explanation", and gets it anyway',
    measure=measure,
    fails="above",
    limit=0.0,
    mendable=True,
)
