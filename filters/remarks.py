"""Remarks about a text: in what words a rewriter announces, excuses and describes what it did."""

import re

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
    r"|minor|several|these|all|the necessary) (?:\w+ )?(?:changes?|edits?|corrections?|improvements?|adjustments?))"
)
_ERRORS = r"(?:errors?|mistakes?|typos?|repetitions?|redundanc(?:y|ies)|inconsistenc(?:y|ies))"
_PLACED = (
    r"(?! (?:printed|written|located|placed|in|on|at|above|below|under|next|framed|highlighted|set|centered|engraved"
    r"|carved|painted|overlaid|displayed|visible|too small|large|small|white|black|red|blue|bold))"
)
_SEEN = r"(?! (?:(?:on|in) the|(?:is|are) (?:carved|painted|printed|written|engraved|chalked)))"
_PHRASES = (
    # lead-ins: here is the corrected paragraph; this is the revised version; below is a description of the image
    (
        r"\b(?:here(?:['’]s| is| are)|below (?:is|are)|(?:the following|this) is|(?:this|it) would be)"
        rf" (?:the|a|an|your|my) (?:\w+ )?{_MENDED}(?: (?:and|&) \w+)?(?: {_TEXT}(?! of"
        rf" (?:the|an?) (?!{_TEXT}))|\b(?=[:.]))"
    ),
    rf"\bhere(?:['’]s| is| are) (?:the|a|an|your|my|one) {_MENDED}\b",
    rf"\b(?:here(?:['’]s| is| are)|below (?:is|are)) (?:the|a|your|my|one possible) (?:\w+ )?{_TEXT}(?: \w+){{0,5}}:",
    # "the given text"; not "the following text on the wall"
    rf"\b(?:the|this|your) (?:given|above|input|original|provided|following) {_TEXT}\b{_SEEN}",
    # "The paragraph is"; not "The paragraph is printed on"
    (
        r"(?:^|[.!?:(]\s*)(?:the|this|your) (?:paragraph|passage) (?:is|was|has|contains|does|describes|seems"
        rf"|appears|can be|could be|should|needs|already)\b{_PLACED}"
    ),
    # "the sentence has been revised", "the rest remains unchanged"
    (
        rf"\b{_TEXT} (?:is|are|was|were|seems?|appears?|looks?|remains?|has been|have been)(?: to be)?(?: \w+)?"
        r" (?:correct|corrected|unchanged|error-free|revised|rewritten|removed|edited|incorrect|grammatical"
        r"|redundant|repetitive|incomplete|shortened|rephrased)\b"
    ),
    rf"\b(?:{_TEXT}|rest) (?:remains?|stays?|is left|was left) (?:unchanged|as it (?:is|was)|the same)\b",
    # "already correct", "grammatically correct", "the corrected text"
    r"\balready (?:grammatically )?correct\b",
    r"\b(?:grammatically|factually) (?:in)?correct\b",
    rf"\b(?:the|this|my) (?:corrected|rewritten|fixed|revised|reworded|rephrased) {_TEXT}\b",
    # labels: "Revised version:", "Changes made:"
    rf"(?:^|[.!?\n(\[*]\s*){_MENDED}(?: {_TEXT})?\**\s*:",
    (
        r"(?:^|[.!?\n(\[*]\s*)(?:changes?|edits?|corrections?|explanation|reasoning|output|result|response"
        r"|rewrite|paragraph|description|caption|summary|tags|keywords|hashtags|alt text|note|notes|comment|input"
        rf"|original(?: {_TEXT})?)(?: made)?\**\s*:"
    ),
    # "this rewrite", "the model's answer"
    r"\bthis (?:version|rewrite|revision)\b(?! of)",
    r"\b(?:assistant|model|ai)(?:['’]s)? (?:answer|response|output|reply)\b",
    # "no errors were found", "does not contain any mistakes", "needs no correction"
    (
        rf"\bno (?:\w+ )?(?:{_ERRORS}|changes?|corrections?|edits?|revisions?)"
        r" (?:(?:were|was|are|is|to be|have been) )?(?:found|needed|necessary|required|made|detected|correct"
        r"|present|to correct)"
    ),
    (
        r"\b(?:not?|n['’]t) (?:contain|have|need|require|find|see|detect)(?: any| further)?"
        rf" (?:\w+ )?(?:{_ERRORS}|corrections?|changes?|revisions?|rewriting)\b"
    ),
    r"\b(?:needs?|requires?) no (?:further )?(?:correction|change|edit|revision)",
    # "errors in the paragraph"
    rf"\b{_ERRORS} (?:in|of|from) (?:the|this|your) (?:\w+ )?{_TEXT}\b",
    # "I have removed", "could not find any errors"
    rf"\bi(?:['’]ve| have|['’]ll| will)?(?: also| only| just| simply| now)? (?:{_DONE})\b",
    rf"\b(?:could not|couldn['’]t|cannot|can['’]t) find (?:anything|any {_ERRORS})",
    # "the correct sentence should"
    r"\bthe correct (?:sentence|version|form|wording|spelling|phrase) (?:is|should|would)\b",
    # "grammatical errors"; not "a spelling mistake", which a sign may have
    r"(?<!\ba )(?<!\bone )\b(?:grammatical|grammar|spelling) (?:errors?|mistakes?)\b",
    # "without explanation", "repeated sentences", "unnecessary repetition"
    r"\bwithout (?:any )?explanation\b(?! of (?:its|the|what|how))",
    r"\b(?:repeat(?:ing|ed)|duplicated?|redundant|incomplete|unfinished|repetitive) (?:sentences?|phrases?|words)\b",
    r"\b(?:unnecessary|redundant) repetitions?\b",
    # talk around the answer: as requested; let me know if; a note or an end in brackets
    r"\b(?:as|per) (?:you )?(?:requested|instructed|your (?:request|instructions?))\b",
    r"\blet me know (?:if|what|whether|how|when)\b",
    r"[(\[]\s*(?:note|continued|edited|sic: |end of|to be continued)\b",
    # good wishes and lead-ins: corrected text below; my version; here you go; hope this helps
    (
        rf"(?:^|[.!?\n(\[*]\s*)(?:the |this |my |your |an? )?(?:{_MENDED}|following|above|new|own|cleaner|better"
        rf"|clearer|shorter) {_TEXT} (?:below|above|follows?|is (?:below|as follows)|reads as follows)\b"
    ),
    rf"(?:^|[.!?\n]\s*)my {_TEXT}\s*:",
    r"(?:^|[.!?\n]\s*)here (?:(?:you go|it is|we go|goes)(?=\s*[.:!,])|is what i|is my|are my)\b",
    (
        r"\bhope (?:this|that|it|my \w+|the \w+) (?:helps|is (?:helpful|ok|okay|fine|better|clear\w*|what)"
        r"|was helpful|works)\b"
    ),
    # "three of the redundant phrases were omitted"
    (
        r"\b(?:two|three|several|some|a few|both|all|these|repeated|repeating|duplicated?|redundant|incomplete"
        r"|unfinished|broken|unnecessary|meaningless|extra|last|first|second|third|final)"
        rf" (?:of the )?(?:\w+ )?(?:{_TEXT}|phrases?|words?|characters|fragments?|{_ERRORS}"
        r"|duplicates)\b(?: (?!on\b)[^.!?,;:]{1,40})?"
        r" (?:(?:was|were|is|are|has been|have been|had to be) )?"
        r"(?:therefore |also |simply |just )?(?:removed|deleted|omitted|dropped|combined|merged|corrected"
        r"|fixed|rephrased"
        r"|reworded|rewritten|left out|taken out|cleaned up|shortened|joined|mended|completed)\b"
    ),
    # "the paragraph above is"; not "the caption below is in"
    (
        r"\b(?:paragraph|passage|sentence|description|caption|text|version|wording|input) (?:above|below|itself)"
        r" (?:is|was|has|does|seems|contains|needs|appears|describes)\b(?! (?:on|in|at|hard|underlined"
        r"|circled|carved|painted|printed|written|handwritten|to be (?:printed|written)))"
    ),
    # "sentences that ... removed", "contains several typos", "the text is now free of"
    r"\bsentences? (?:about|that|which|where) [^.!?]{0,80}\b(?:removed|deleted|omitted|left out|repeated|dropped)\b",
    (
        r"\b(?:free of|free from|contain(?:s|ed)?|had|has|have|with|without)"
        r" (?:(?:any|no|some|several|a|many|few|all|grammatical|minor|small|more|further) )*(?:grammatical"
        r" (?:slips?|problems?|issues?)|spelling (?:mistakes|errors)|typos?\b|grammar"
        r" (?:issues?|errors?)|unfinished sentences?|incomplete sentences?|repeated sentences?)"
    ),
    (
        rf"\b(?:{_TEXT}|input) (?:above |below )?(?:is|are|was) (?:now |already |therefore |all )*(?:free of"
        r"|free from|error|well[- ]written|fine as|correct as|well[- ]written|well[- ]formed|good as|ok as"
        r"|okay as|cut off|clear and)"
    ),
    # "the word "a" was replaced"
    r"\b(?:sentence|phrase|word) \W\s*\W (?:was|has been|is) (?:changed|replaced|removed|deleted|corrected|repeated)",
    # "nothing had to be changed", "I did not add", "I left out the"
    (
        r"\bnothing (?:(?:had|has|needed|needs|was|is) (?:to be |left to |to )|(?:was|has been"
        r"|had been) )(?:changed?|correct(?:ed)?|fix(?:ed)?|rewrite|rewritten|removed?|edit(?:ed)?|add(?:ed)?)\b"
    ),
    r"\bi (?:did not|didn['’]t|have not|haven['’]t) (?:change|add|alter|remove|edit|correct|touch|modify)\b",
    (
        r"\bi(?:['’]ve| have)? (?:also |only |just |simply |then )?(?:left out|took out|taken out|completed"
        r"|dropped|joined|cut|mended|tidied|reordered|split|trimmed|adjusted|altered|modified|improved|edited"
        r"|tried to keep|cleaned up) (?:the|a|an|two|some|any|all|it|one|this|that|several|unnecessary|redundant"
        r"|repeated)\b"
    ),
    # "that is all I", "this is what you wanted", "if you prefer another version"
    r"\b(?:that|this) is all (?:i|there is|that)\b",
    r"\b(?:this|that|it) is what you (?:wanted|asked|meant)",
    (
        r"\b(?:should|if) you (?:need|want|wish|would like|prefer|require)"
        r" (?:\w+ ){0,3}(?:version|changes?|wording|edits?|corrections?|revisions?|style)\b"
    ),
    # "repeated twice above", "because it was redundant", "which I corrected"
    (
        r"\b(?:repeated|appeared|occurred|said|mentioned) (?:twice|(?:two|three|several|many|four) times)"
        r" (?:in|before|above|already)\b"
    ),
    (
        r"\bbecause it (?:was|is|had been|appeared|repeated)(?: \w+)? (?:repeated|redundant|duplicated?"
        r"|incomplete|unfinished|twice|incorrect)\b"
    ),
    (
        rf"\b(?:sentences?|phrases?|words?|parts?|slips?|repeats?|{_ERRORS})\b[^.!?]{{0,60}}"
        r" which (?:i|have been|has been|were|was) (?:mended|corrected|fixed|removed|left out (?:here|above)|deleted)\b"
    ),
    # what stands around a text: a word count in brackets, a postscript, the end of the description, notes
    r"[(\[](?:word|token|character) count\b",
    r"(?:^|[.!?\n]\s*)(?:p\.s\.|n\.b\.|ps:|nb:)",
    r"(?:^|[.!?\n]\s*)end of (?:the )?(?:description|text|caption|paragraph|image description)\b",
    (
        r"(?:^|[.!?\n(\[]\s*)(?:please )?note that (?:i|the (?:original|text|input|paragraph|sentence|description"
        r"|above))\b"
    ),
    # "Fixed a typo"
    (
        r"(?:^|[.!?\n(\[]\s*)(?:fixed|removed|deleted|corrected|replaced|rephrased|merged|shortened)"
        r" (?:a|an|the|two|some|all|any|one|several|repeated|duplicate|redundant|typos?|grammar|spelling)"
        r" (?:\w+ )?(?:typos?|sentences?|errors?|words?|mistakes?|phrases?|repetitions?|grammar|spelling"
        r"|duplicates?|fragments?|characters)\b"
    ),
    # "is free of errors", "as the text given", "there is nothing to correct", "sentence that needs fixing"
    rf"\bis (?:already )?(?:free of|free from) (?:\w+ )?{_ERRORS}",
    r"\bas the text (?:given )?",
    r"\bthere is nothing to (?:rewrite|correct|fix|change|repair|mend)\b",
    r"\b(?:sentences?|lines?|parts?) that needs? (?:fixing|correct\w*|rewrit\w*)",
    # second thoughts: "hold on,", "scrap that:", "Take two:", "Now for the people."
    r"(?:^|[.!?(,—–-]\s*)(?:hmm|(?:no, )?wait|hold on|(?:scrap|strike) that|on second thoughts?)(?=\s*[,:.!—–-])",
    r"(?:^|[.!?(]\s*)(?:take two\s*:|now for the \w+\s*\.|to put it (?:better|differently)\b)",
    # "about the right length", "dropped the adjectives", "I came up with", "in your draft"
    r"\babout the right (?:length|number of words)\b",
    (
        r"\b(?:kept|dropped|trimmed|toned down) the (?:similes?|metaphors?|adjectives?|adverbs?|wording|tone"
        r"|style|phrasing)\b"
    ),
    r"\bi came up with\b",
    r"\bin your (?:text|paragraph|input|draft|message|description)\b",
)
REMARK = re.compile("|".join(_PHRASES))  # in lower-cased text, sentence by sentence
OPENING = re.compile(
    r"(?:image|picture|photo|photograph)(?: description| caption)?\s*:"
    r"|\W*(?:sure|certainly|of course|okay|ok|absolutely|alright|no problem|got it|understood)\s*(?:[,!.:]|[–—-]\s)"
)  # in lower-cased text, at its start
SIGNS = frozenset(
    "here here's paragraph paragraphs passage passages sentence sentences description descriptions caption captions"
    " version versions rewrite output result results response answer wording grammar spelling punctuation correct"
    " corrected incorrect error errors mistake mistakes typo typos repetition repetitions redundant redundancy"
    " redundancies inconsistency inconsistencies change changes edit edits edited revised rewritten fixed improved"
    " updated polished refined modified rephrased reworded shortened condensed proofread amended enhanced cleaned"
    " correction corrections changed removed explanation reasoning note notes comment requested request instructed"
    " instructions know understood problem continued grammatical grammatically unchanged input assistant's original i"
    " nothing hope count omitted deleted dropped merged combined p ps nb end source twice fix typo free grammatically"
    " text texts follows hmm wait hold scrap strike thought thoughts take now put length kept dropped trimmed tags"
    " keywords hashtags summary alt slip slips should whether rewrite duplicate duplicated duplicates fragment"
    " fragments".split()
)  # without one of these words a sentence is no remark
