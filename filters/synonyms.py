"""Words that captions use for the same thing, joined where sentences are compared; a small closed list."""

from __future__ import annotations

from collections.abc import Iterable

from filters.english import stem

# Each line is one concept. A word stands here only if hardly any caption uses it for something else.
_GROUPS = """
small little tiny
large big huge
plane airplane aeroplane airliner aircraft jet
sofa couch
sweater jumper pullover
vest waistcoat
shop store
bookshop bookstore
road street
car automobile vehicle
motorcycle motorbike
coast shore
forest woods
baby toddler infant
child kid
old elderly
sit seat
sleep asleep
close shut
begin start
put place
attach fasten
rear back
below under beneath underneath
above over
beside next alongside near
both each
tall high
wood wooden
wool woollen woolen
gold golden
silver silvery
stripe striped
dot dotted
pavement sidewalk
trousers pants
mobile cellphone
rubbish garbage trash
once formerly previously past
several multiple various
amount bit
lorry truck
television tv
fridge refrigerator
path trail
grin smile
gaze stare
yell shout
jump leap
pick pluck
aerial air
sculpture statue
middle centre center
colour color
grey gray
"""
_CONCEPTS = {stem(word): stem(line.split()[0]) for line in _GROUPS.strip().splitlines() for word in line.split()}


def concepts(stems: Iterable[str]) -> frozenset[str]:
    """The stems with each synonym made the first of its group."""
    return frozenset(_CONCEPTS.get(stem, stem) for stem in stems)


def concept(stem: str) -> str:
    """The first of the synonyms that a stem belongs to; the stem itself for all others."""
    return _CONCEPTS.get(stem, stem)
