"""What a rewriter says of the text instead of rewriting it."""

import re

from filters.quotations import count_matches
from pipeline.schema import Measurement, Passage, Rule

# A text without any of these words remarks on no text.
_SIGNS = frozenset(
    "here here's paragraph paragraphs passage passages sentence sentences description descriptions caption captions"
    " version versions rewrite revision output result results response answer wording grammar spelling punctuation"
    " correct corrected incorrect error errors mistake mistakes typo typos repetition repetitions redundant redundancy"
    " redundancies inconsistency inconsistencies change changes edit edits edited revised rewritten fixed improved"
    " updated"
    " polished refined modified rephrased reworded shortened condensed proofread amended enhanced cleaned correction"
    " corrections changed removed explanation reasoning note notes comment sure certainly okay ok absolutely alright"
    " course"
    " requested request instructed instructions know understood problem continued grammatical grammatically unchanged"
    " input original summary tags keywords hashtags alt i".split()
)
_TEXT = (
    r"(?:paragraph|text|passage|sentence|description|caption|version|rewrite|output|result|response|answer|wording"
    r"|grammar|spelling|punctuation)s?"
)
_MENDED = (
    r"(?:corrected|revised|rewritten|fixed|improved|edited|cleaned(?:[- ]up)?|updated|final|polished|refined|modified"
    r"|rephrased|reworded|shortened|condensed|proofread|amended|enhanced)"
)
_CHANGES = r"(?:changes?|edits?|corrections?|improvements?|adjustments?|revisions?)"
_DID = (
    r"(?:removed|corrected|fixed|rewritten|rewrote|revised|changed|edited|deleted|replaced|rephrased|reworded|shortened"
    r"|cleaned|merged|combined|kept|left (?:it|the)|omitted|proofread"
    rf"|made (?:the following|some|a few|no|minor|several|these|all|the necessary) (?:\w+ )?{_CHANGES})"
)
_ERRORS = r"(?:errors?|mistakes?|typos?|repetitions?|redundanc(?:y|ies)|inconsistenc(?:y|ies))"
_HERE_IS = r"(?:here(?:['’]s| is| are)|below (?:is|are))"
_START = r"(?:^|[.!?\n(\[*]\s*)"
_PLACED = (  # a paragraph that can be seen on a page
    r"(?! (?:printed|written|located|placed|in|on|at|above|below|under|next|framed|highlighted|set|centered|engraved"
    r"|carved|painted|overlaid|displayed|visible|too small|large|small|white|black|red|blue|bold))"
)
_PHRASES = (
    # lead-ins: here is the corrected paragraph; this is the revised text; below is a description of the image
    (
        rf"\b(?:{_HERE_IS}|(?:the following|this) is|(?:this|it) would be) (?:the|an?|your|my) (?:\w+ )?{_MENDED}"
        rf"(?: (?:and|&) \w+)?(?: {_TEXT}|\b(?=[:.]))"
    ),
    rf"\b{_HERE_IS} (?:the|an?|your|my|one) {_MENDED}\b",
    rf"\b{_HERE_IS} (?:the|a|your|my|one possible) (?:\w+ )?{_TEXT}(?: \w+){{0,5}}:",
    # "the given text", "The paragraph is", "the sentence has been revised", "the rest remains unchanged"
    rf"\b(?:the|this|your) (?:given|above|input|original|provided) {_TEXT}\b(?! (?:on|in|of) )",
    (
        rf"(?:^|[.!?:(]\s*)(?:the|this|your) (?:paragraph|passage) (?:is|was|has|contains|does|describes|seems|appears"
        rf"|can be|could be|should|needs|already)\b{_PLACED}"
    ),
    (
        rf"\b{_TEXT} (?:is|are|was|were|seems?|appears?|looks?|remains?|has been"
        r"|have been)(?: to be)?(?: \w+)? (?:correct"
        r"|corrected|unchanged|error-free|revised|rewritten|removed|edited|incorrect|grammatical|redundant|repetitive"
        r"|incomplete|shortened|rephrased)\b"
    ),
    rf"\b(?:{_TEXT}|rest) (?:remains?|stays?|is left|was left) (?:unchanged|as it (?:is|was)|the same)\b",
    r"\balready (?:grammatically )?correct\b|\b(?:grammatically|factually) (?:in)?correct\b",
    rf"\b(?:the|this|my) (?:corrected|rewritten|fixed|revised|reworded|rephrased) {_TEXT}\b",
    (
        r"\bthis (?:version|rewrite|revision)\b(?! of)|\b(?:assistant|model|ai)(?:['’]s)? (?:answer|response|output"
        r"|reply)\b"
    ),
    # labels such as "Revised:" and "Changes made:"
    rf"{_START}(?!final\b)(?:{_MENDED}(?: {_TEXT})?)\**\s*:|{_START}final {_TEXT}\**\s*:",
    (
        rf"{_START}(?:{_CHANGES}|explanation|reasoning|output|result|response|rewrite|paragraph|description|caption"
        rf"|summary|tags|keywords|hashtags|alt text|notes?|comment|input|original(?: {_TEXT})?)(?: made)?\**\s*:"
    ),
    # "no errors were found", "does not contain any mistakes", "errors in the paragraph", "could not find anything"
    (
        rf"\bno (?:\w+ )?(?:{_ERRORS}|{_CHANGES}) (?:(?:were|was|are|is|to be|have been) )?"
        r"(?:found|needed|necessary|required|made|detected|correct|present|to correct)"
    ),
    (
        rf"\b(?:not?|n['’]t) (?:contain|have|need|require|find|see|detect)(?: any| further)? (?:\w+ )?(?:{_ERRORS}"
        rf"|{_CHANGES}|rewriting)\b"
    ),
    (
        rf"\b(?:needs?|requires?) no (?:further )?{_CHANGES}|\b{_ERRORS} (?:in|of|from) (?:the|this"
        rf"|your) (?:\w+ )?{_TEXT}\b"
    ),
    rf"\b(?:could not|couldn['’]t|cannot|can['’]t) find (?:anything|any {_ERRORS})",
    r"(?<!\ba )(?<!\bone )\b(?:grammatical|grammar|spelling) (?:errors?|mistakes?)\b",
    # "I have removed", "the correct sentence should be", "repeated sentences", "unnecessary repetition"
    rf"\bi(?:['’]ve| have|['’]ll| will)?(?: also| only| just| simply| now)? {_DID}\b",
    r"\bthe correct (?:sentence|version|form|wording|spelling|phrase) (?:is|should|would)\b",
    r"\b(?:repeat(?:ing|ed)|duplicated?|redundant|incomplete|unfinished|repetitive) (?:sentences?|phrases?|words)\b",
    r"\b(?:unnecessary|redundant) repetitions?\b|\bwithout (?:any )?explanation\b",
    # talk around the answer: "as requested", "Sure," and "(Note"
    r"\b(?:as|per) (?:you )?(?:requested|instructed|your (?:request|instructions?))\b",
    r"\blet me know (?:if|what|whether|how|when)\b",
    r"^\W*(?:sure|certainly|of course|okay|ok|absolutely|alright|no problem|got it|understood)\s*(?:[,!.:]|[–—-]\s)",
    r"[(\[]\s*(?:note|continued|edited|sic: |end of|to be continued)\b",
)
COMMENTARY = re.compile("|".join(_PHRASES))


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
