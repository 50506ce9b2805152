"""Words by which a sentence of another language in Latin script is told from an English one."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache

from filters.dictionary import dictionary
from filters.english import FUNCTION_WORDS
from pipeline.schema import Passage

# Words that English has not, of the languages that captioners slip into: function words, and what captions say most.
_GERMAN = """
    und ist sind nicht ein eine einen einem einer eines mit auf dem für zeigt zeigen sieht sitzt steht stehen liegt
    läuft trägt hält befindet befinden bild im zum zur beim vom auch sich wird werden einige zwei drei viele über
    hinter neben unter vor zwischen oder aber wie sehr ihr ihre sein seine links rechts schwarz weiß grün blau frau
    kind haus hund katze dieser diese dieses das es gibt während straße baum bäume kinder tisch fenster hintergrund
    schaut spielt spielen geht ihm ihn durch ohne gegen noch nur wenn dann weil dass bis nach seiner ihrer kann
    haben wurde leute menschen himmel
"""
_FRENCH = """
    est sont une avec dans sur il elle ils elles qui que dont où cette leur leurs très aussi debout assis assise
    montre voit chien femme homme deux trois plusieurs petit petite grand grande noir noire blanc blanche rouge vert
    verte bleu bleue derrière devant sous pendant regarde regardent maison rue arbre enfants enfant personnes comme
    tout toute monde ses mais mouettes chez nous vous ce sa était être entre pas y c'est n'est s'est
"""
_SPANISH = """
    una está están estan muestra muestran imagen hombre mujer perro gato niño niña unos unas tiene tienen pero muy
    sobre junto hacia desde donde esta este estos estas rojo roja negro negra blanco blanca azul verde hay cerca
    lado mesa casa mientras mira perros gatos hombres mujeres personas playa detrás encima frente todos cuando más
    aunque porque cielo calle sentado sentada puede pueden ver también
"""
_ITALIAN = """
    sono è nella nello nelle nei negli sul sulla sulle sui degli delle dello gli che questa questo immagine mostra
    uomo mentre guarda strada albero acqua persone gente perché più suo sua loro donna cane gatto bambino seduto
    seduta vicino davanti dietro molto anche vede vedono tavolo si
"""
_PORTUGUESE = """
    não até uma são estão homem mulher cachorro menino menina ao enquanto olha rua água pessoas seu sua seus suas
    ele ela eles mais muito também pelo pela nas isso mostra há foto céu sentado à
"""
_DUTCH = """
    het een zijn niet naar voor met aan bij uit ook wordt worden staat staan zit zitten ligt liggen loopt veel twee
    terwijl kijkt zee straat boom maar omdat zich hij zij haar kinderen mannen geen heel door tegen zonder achter
    naast onder tussen langs deze dit dat zwarte witte rode groene blauwe vrouw hond kat mensen en op
"""
_SCANDINAVIAN = """
    och är att det som inte på ett med av för från den står sitter ligger og ikke er til hunden mannen kvinna kvinne
    mand medan tittar himlen bakom framför bredvid också eller jag hun han bordet
"""
_POLISH_CZECH = """
    jest są się nie przed obok który która na stoi siedzi leży patrzy niebo dzieci ludzie kobieta mężczyzna pies kot
    bardzo ale jak gdy pod nad przy dwa oraz jsou který která před vedle
"""
# Turkish, Indonesian, Romanian, Finnish, Hungarian, Filipino, Vietnamese, and printers' Latin
_OTHERS = """
    bir ve bu için ile üzerinde duran yang dan ini sedang dengan adalah sebuah seorang di dari pada untuk și este în
    sunt ja ovat kuvassa joka és egy hogy nem ang mga isang một và của trên người lorem ipsum dolor amet consectetur
"""
_STRONG = frozenset(
    (_GERMAN + _FRENCH + _SPANISH + _ITALIAN + _PORTUGUESE + _DUTCH + _SCANDINAVIAN + _POLISH_CZECH + _OTHERS).split()
)
# Words that English has too, or that stand in names and dishes: two of them weigh as one.
_WEAK = frozenset(
    "de la le les el los las del di da do dos das du des der die von van den zu zur zum y e et en un il lo al alla"
    " alle ai con par pour au aux por para se su sus o os um na no em com per ma in is im des dell della dei san santa"
    " te er om op het hay dans mit und ja di si è que qui met est dan es bei sa ce on sur ve unter vor over was so wie"
    " an am war man hat kat kind foto mesa casa verde azul grand grande petit rouge noir blanc blanche bleu uno due"
    " dat pro pas nous vous han hun ile entre gato rojo negro roja blanco bianco rosso nero sous chez dolor".split()
)
_ELIDED = re.compile(r"(?:qu|c|n|s|j|m|t|dell|nell|sull|all|un|quell|l|d)['’]\w{2,}")
_NATURALISED = frozenset(
    "café cafés façade façades fiancé fiancée résumé sauté sautéed décor déjà entrée entrées purée puréed crème"
    " brûlée crêpe crêpes piñata jalapeño jalapeños jalapeño's naïve cliché appliqué appliquéd rosé soufflé flambé"
    " frappé matinée soirée fête château découpage papier-mâché mâché à piqué pâté pâtés ragù açaí smörgåsbord über"
    " doppelgänger macramé protégé née glacé consommé brûlé sautéing éclair éclairs croûtons croûton cortège bébé"
    " ombré plié canapé canapés".split()
)
# English words that other languages have too: they tell none.
_NEUTRAL = frozenset(
    "a i o do as so no me he on an in is over was war am man hat die des met been per pro sole more pies ale pod door"
    " heel rode links dont pendant petite noir rouge hay till mand dan zee".split()
)
_ENGLISH = FUNCTION_WORDS - _NEUTRAL
_CLEAR = _STRONG - _WEAK - _NEUTRAL - _ENGLISH
_FOREIGN = _CLEAR | (_WEAK - _NEUTRAL - _ENGLISH)
# Function words that no other language in Latin script has: with one of them a sentence is English, whatever it names.
_TELLING_ENGLISH = frozenset(
    "the of and with are at by from that which this these those his him her its they their there it he she who whose"
    " where when while into onto behind between through around above below beside near for has have been".split()
)
_KNOWN = 300  # times in the dictionary's texts, which quote other languages too
# The dictionary is American.
_SPELLINGS = (
    ("our", "or"),
    ("yre", "ire"),
    ("tre", "ter"),
    ("is", "iz"),
    ("ll", "l"),
    ("ogue", "og"),
    ("ae", "e"),
    ("'s", ""),
)
_BRITISH = frozenset(
    "kerb kerbs aeroplane aeroplanes cheque cheques plough ploughs moustache moustaches armrests".split()
)
# English endings, under which the dictionary need not know a word that often.
_ENDING = re.compile(r"\w{3,}(?:ed|ing|ly|ness|less|ful|ish|ers?|ous|tions?)")
_LEAST_SENTENCE, _LEAST_CLAUSE = 3, 4  # words


_IN_DISHES = frozenset("avec une à verte vert noire blanche rouge petite sobre con mit nella sul".split())
_MANY = 3  # different words that names hold too; so many in a sentence without an English one are no name


def may_be_foreign(passage: Passage) -> bool:
    """Whether a text can hold a foreign sentence at all, having two words that may tell: a cheap look before others."""
    telling = [word for word in passage.vocabulary if _may_tell(word)]
    return len(telling) > 1 or any(passage.words.count(word) > 1 for word in telling)


def foreign_run(words: Sequence[str], cased: Sequence[str]) -> tuple[int, int] | None:
    """Bounds of the part of one sentence that is in another language; None where there is none.

    `words` are lower-cased, `cased` as they stand. A word of another language counts 1, one that English or a name
    may hold 1/2, an English function word -1. The part with the largest sum is foreign from 2 on (from 1 on where
    the sentence has no English function word), if it holds a word in lower case that no name or dish accounts for.
    """
    if sum(word in _FOREIGN or not word.isascii() for word in words) < 2:
        return None
    weights = [_weight(word, case) for word, case in zip(words, cased, strict=True)]
    total = best = 0.0
    start, bounds = 0, (0, 0)
    for position, weight in enumerate(weights):
        if total <= 0.0:
            total, start = 0.0, position
        total += weight
        if total > best:
            best, bounds = total, (start, position + 1)
    needed = 1.0 if min(weights) >= 0.0 and len(words) > 2 else 2.0
    if best < needed:
        return None
    told = {words[i] for i in range(*bounds) if weights[i] == 1.0 or (weights[i] == 0.5 and _is_accented(words[i]))}
    plain = any(
        case[0].islower() and case.lower() not in _WEAK
        for case, weight in zip(cased[slice(*bounds)], weights[slice(*bounds)], strict=True)
    )
    weak = {words[i] for i in range(*bounds) if words[i] in _WEAK}
    sure = len(told) >= (1 if needed == 1.0 else 2) or (needed == 1.0 and len(weak) >= _MANY)
    return bounds if sure and plain else None


def is_sentence(words: Sequence[str]) -> bool:
    """Whether a run of foreign words has two that no name of a dish has, such as "ist" and "nicht"."""
    return len({word.lower() for word in words} & _CLEAR - _IN_DISHES) > 1


def is_unknown(words: Sequence[str], cased: Sequence[str], *, whole: bool) -> bool:
    """Whether a sentence (`whole`), or a clause of one, is of words that English has not.

    It has no English function word, and half of its words or more, two or more of them in lower case, are of another
    language by the lists above or unknown to the dictionary; in a clause, which may be a list of dishes, three.
    """
    english = _TELLING_ENGLISH if whole else _ENGLISH
    if len(words) < (_LEAST_SENTENCE if whole else _LEAST_CLAUSE) or not english.isdisjoint(words):
        return False
    strange = [
        case
        for word, case in zip(words, cased, strict=True)
        if len(word) > 1 and _is_strange(word) and not _has_digit(word)
    ]
    plain = sum(case[0].islower() and case.lower() not in _NATURALISED | _WEAK for case in strange)
    return 2 * len(strange) >= len(words) and plain >= (2 if whole else 3)


@lru_cache(maxsize=8192)
def _may_tell(word: str) -> bool:
    """Whether a word counts anywhere below: an unknown letter or number does not."""
    return _is_strange(word) and (word in _FOREIGN or not word.isascii() or (len(word) > 1 and not _has_digit(word)))


@lru_cache(maxsize=8192)
def _is_strange(word: str) -> bool:
    if word in _FOREIGN or not word.isascii():
        return True
    known = dictionary()
    return (
        known[word] < (1 if _ENDING.fullmatch(word) else _KNOWN)
        and word not in _BRITISH
        and not any(
            british in word and known[word.replace(british, american)] >= _KNOWN for british, american in _SPELLINGS
        )
    )


def _weight(word: str, cased: str) -> float:
    if word in _CLEAR:
        return 1.0
    if word in _FOREIGN:
        return 0.5
    if word in _ENGLISH:
        return -1.0
    if (cased[0].islower() and _is_accented(word)) or _ELIDED.fullmatch(word):
        return 0.5
    return 0.0


def _has_digit(word: str) -> bool:
    return any(map(str.isdigit, word))


def _is_accented(word: str) -> bool:
    return not word.isascii() and word not in _NATURALISED and any(c.isalpha() and not c.isascii() for c in word)
