"""What the filters know of English: closed word classes, stems, and the words that carry content."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache
from itertools import chain

import snowballstemmer

from pipeline.schema import split_words

ARTICLES = frozenset("a an the".split())
POSSESSIVES = frozenset("my your its our their whose".split())  # "his" and "her" may end a sentence
CONJUNCTIONS = frozenset("and or but nor because although though whereas if unless while than".split())
RELATIVES = frozenset("that which who whom where when whose what how why".split())
COPULAS = frozenset("is are was were be been being am isn't aren't wasn't weren't it's there's that's".split())
AUXILIARIES = COPULAS | frozenset("has have had do does did can could may might will would shall should must".split())
PRONOUNS = frozenset(
    "i you he she it we they me him her us them his hers ours yours theirs this that these those there here one ones"
    " itself himself herself themselves someone something".split()
)
# Prepositions that say nothing of where a thing is; "on", "behind", "left" are content in a description.
EMPTY_PREPOSITIONS = frozenset("of for to as with by from at".split())
PLACE_PREPOSITIONS = frozenset(
    "in on into onto over under above below behind beside besides between among near inside outside through across"
    " around along against upon within without toward towards beneath underneath before after during about up down out"
    " off".split()
)
PREPOSITIONS = EMPTY_PREPOSITIONS | PLACE_PREPOSITIONS
FINITE_VERBS = AUXILIARIES | frozenset(
    "shows show showed depicts depict features feature contains contain includes include displays display"
    " appears appear seems seem looks look stands stand sits sit lies lie hangs hang holds hold wears wear"
    " says say reads read represents represent symbolizes consists consist covers cover surrounds surround"
    " walks walk runs run plays play rides ride flies fly faces face points point makes make gives give"
    " carries carry uses use eats eat drinks drink rests rest grows grow comes come goes go takes take".split()
)
FUNCTION_WORDS = (
    ARTICLES
    | POSSESSIVES
    | CONJUNCTIONS
    | RELATIVES
    | AUXILIARIES
    | PRONOUNS
    | PREPOSITIONS
    | frozenset("not no n't so too also very both either neither each all some any such then just only".split())
)
# Words of the frame around a description ("The image is a picture of ..."): they say nothing of the picture.
FRAME_WORDS = frozenset(
    "image images picture pictures photo photos photograph show shows showing depict depicts depicting feature"
    " features featuring display displays displaying contain contains containing see seen visible".split()
)
_EMPTY = (
    ARTICLES | POSSESSIVES | CONJUNCTIONS | RELATIVES | AUXILIARIES | PRONOUNS | EMPTY_PREPOSITIONS | FRAME_WORDS
) | frozenset("also so very just".split())

HUES = frozenset(
    "red blue green yellow black white brown grey gray pink purple orange beige tan maroon navy teal turquoise violet"
    " golden gold silver crimson scarlet cream ivory khaki olive magenta cyan".split()
)
MALE = frozenset("man men boy boys guy guys gentleman gentlemen father son husband king grandfather groom male".split())
FEMALE = frozenset("woman women girl girls lady ladies mother daughter wife queen grandmother bride female".split())

_TOLD_APART = frozenset(
    "first second third fourth fifth sixth last left right top bottom middle center centre upper lower front back"
    " behind before beside between".split()
)
# Forms that a suffix stemmer cannot join.
_IRREGULAR = dict(
    pair.split(":")
    for pair in (
        "men:man women:woman children:child people:person feet:foot teeth:tooth geese:goose mice:mouse"
        " leaves:leaf sat:sit stood:stand lay:lie lying:lie wore:wear worn:wear held:hold hung:hang ran:run"
        " flew:fly rode:ride ate:eat drew:draw drawn:draw wrote:write written:write made:make gave:give"
        " took:take grew:grow led:lead fed:feed built:build brought:bring caught:catch fell:fall fallen:fall"
        " kept:keep shot:shoot slept:sleep threw:throw thrown:throw broke:break broken:break drove:drive"
        " driven:drive ridden:ride swam:swim shown:show seen:see saw:see wolves:wolf kid:child kids:child"
        " bike:bicycle bikes:bicycle knives:knife shelves:shelf lives:life wives:wife lays:lie laid:lie"
        " laying:lie bought:buy lit:light sang:sing sung:sing spoke:speak spoken:speak swum:swim told:tell"
        " thought:think swung:swing struck:strike bent:bend blew:blow blown:blow froze:freeze frozen:freeze"
        " hid:hide hidden:hide began:begin begun:begin drank:drink drunk:drink tore:tear torn:tear went:go"
        " gone:go shone:shine slid:slide came:come became:become leant:lean leapt:leap sent:send sold:sell"
        " taught:teach won:win chose:choose chosen:choose stolen:steal found:find lost:lose met:meet spun:spin"
        " swept:sweep taken:take given:give eaten:eat flown:fly grown:grow"
    ).split()
)
_STEMMER = snowballstemmer.stemmer("english")


def words_of(text: str) -> list[str]:
    """Lower-cased words, split as `Passage.words` splits them."""
    return list(split_words(text))


@lru_cache(maxsize=8192)
def stem(word: str) -> str:
    """Porter 2 stem of a lower-case word, a possessive "'s" cut and common irregular forms joined first."""
    bare = re.sub(r"['’]s?$", "", word)
    return str(_STEMMER.stemWord(_IRREGULAR.get(bare, bare)))


def enumerates(words: Iterable[str]) -> bool:
    """Whether `words` tell three things or more apart by number or place; a frame they share is no loop."""
    return len({word for word in words if word in _TOLD_APART or word.isdigit()}) >= 3


def content_words(words: Iterable[str]) -> list[str]:
    """Stems, in order, of the words that say something of the picture; places ("on", "behind"), colours, numbers do.

    A compound counts as its parts: "a hand-held scale", "a scale that she holds in her hand".
    """
    return list(chain.from_iterable(map(_content_of, words)))


@lru_cache(maxsize=8192)
def _content_of(word: str) -> tuple[str, ...]:
    if word in _EMPTY:
        return ()
    return tuple(stem(part) for part in word.split("-") if part and part not in _EMPTY)


def content_stems(words: Iterable[str]) -> frozenset[str]:
    """`content_words` as a set."""
    return frozenset(content_words(words))


def excerpt(text: str, start: int, end: int, margin: int = 12, longest: int = 80) -> str:
    """`text[start:end]` with `margin` characters either side, on one line, quoted, at most `longest` characters."""
    left, right = max(0, start - margin), min(len(text), end + margin)
    shown = " ".join(text[left:right].split())
    if len(shown) > longest:
        shown = shown[: longest - 3] + "..."
    return f'"{shown}"'


@lru_cache(maxsize=64)  # several rules and repairs ask about one text
def sentence_contents(sentences: tuple[str, ...]) -> tuple[frozenset[str], ...]:
    """`content_stems` of each sentence."""
    return tuple(content_stems(words_of(sentence)) for sentence in sentences)
