"""Descriptions for the benchmark of the filters, about 100 words each: written by a seeded grammar, some faulty.

Most are what a captioner writes when all goes well. Every fifth holds something that is hard to split into sentences
(a quotation, a bracket, an abbreviation, a number), every fourth a fault: a loop, a stutter, a sentence said again, a
broken end, a restart, an apology, a template mark, junk, an address.
"""

from __future__ import annotations

import random

_PEOPLE = "man woman boy girl child farmer dancer cyclist waiter nurse painter musician skier tourist guard".split()
_ANIMALS = "dog cat horse cow sheep goat duck swan heron fox squirrel parrot donkey pony rabbit".split()
_THINGS = (
    "bench lamp bicycle boat ladder basket kettle piano suitcase umbrella clock mirror barrel fountain statue wagon"
    " tent kite drum vase bucket helmet camera blanket lantern"
).split()
_PLACES = (
    "beach street garden kitchen market bridge harbour station meadow forest courtyard library square field river"
    " valley balcony workshop pier hillside"
).split()
_COLOURS = "red blue green yellow white black brown grey pink purple golden silver beige turquoise".split()
_KINDS = "small large wooden narrow round tall broken bright quiet crowded dusty shiny heavy curved".split()
_DOING = (
    "walking sitting standing reading painting resting playing waiting working laughing looking cooking cycling"
    " fishing sleeping"
).split()
_SIDES = ("on the left", "on the right", "in the foreground", "in the background", "in the middle", "near the edge")
_MOODS = "calm lively peaceful busy cheerful gloomy festive lonely warm wintry".split()

_PLAIN = (
    "The image shows a {person} {doing} beside a {kind} {thing} in a {place}.",
    "The {person} wears a {colour} coat and carries a {colour2} bag over one shoulder.",
    "{Side}, there is a {kind} {thing} that leans against a {colour} wall.",
    "A {colour} {animal} lies next to the {thing2}, and another {animal2} watches it from the {place}.",
    "Behind the {person2}, several people are {doing2} around a {kind2} {thing2}.",
    "The sky above the {place2} is {colour2}, with a few clouds near the horizon.",
    "Two {kind} windows reflect the light of the sun, while the door between them stays closed.",
    "{Side}, a {person2} holds a {colour} {thing} and talks to a {person}.",
    "The ground is covered with {kind} stones, and some grass grows between them.",
    "Farther away, a {kind2} path leads from the {place} to a {place2} behind the trees.",
    "There are {number} {thing}s and {number2} {thing2}s arranged {side2} of the scene.",
    "Overall, the scene feels {mood}, as if nobody in the {place2} were in a hurry.",
)
_HARD = (
    'A sign above the door reads "Welcome to the {place}. Please wait here!" in {colour} letters.',
    "One of the boats (the {colour} one) is tied to a post by a short rope.",
    "Mr. {Name} of St. {Name2} stands {side} and looks at the camera.",
    "The {thing} is about 3.5 m high and was built in 1987. Next to it stands a {kind} {thing2}.",
    "A poster says “The {mood} {place}”; below it a date is printed, e.g. 12.5. or later.",
    "What could the {person} be {doing}? Perhaps the {animal} knows... It looks up.",
)
_NAMES = "Smith Brown Miller Jones Walker Young Martin Clark Lewis Hall".split()
_NUMBERS = "two three four five six seven eight nine ten".split()


def write_captions(count: int, words: int = 100, seed: int = 0) -> list[str]:
    """`count` descriptions of `words` words on average, up to 150: the same for the same arguments."""
    rng = random.Random(seed)
    return [_caption(rng, words, number) for number in range(count)]


def _caption(rng: random.Random, words: int, number: int) -> str:
    sentences = [_sentence(rng, _PLAIN[0])]
    for pattern in rng.sample(_PLAIN[1:], len(_PLAIN) - 1):
        if sum(len(sentence.split()) for sentence in sentences) > words - 8:
            break
        sentences.append(_sentence(rng, pattern))
    if number % 5 == 4:
        sentences[rng.randrange(len(sentences))] = _sentence(rng, rng.choice(_HARD))
    return _FAULTS[number // 4 % len(_FAULTS)](rng, sentences) if number % 4 == 3 else " ".join(sentences)


def _sentence(rng: random.Random, pattern: str) -> str:
    side, side2 = rng.sample(_SIDES, 2)
    drawn = {"side": side, "side2": side2, "Side": side.capitalize(), "mood": rng.choice(_MOODS)}
    kinds = {"person": _PEOPLE, "animal": _ANIMALS, "thing": _THINGS, "place": _PLACES, "colour": _COLOURS}
    for name, choices in {**kinds, "kind": _KINDS, "doing": _DOING, "number": _NUMBERS, "Name": _NAMES}.items():
        drawn[name], drawn[f"{name}2"] = rng.sample(choices, 2)
    return pattern.format_map(drawn)


def _looping(rng: random.Random, sentences: list[str]) -> str:
    thing = rng.choice(_THINGS)
    return f"{' '.join(sentences[:-2])} The {thing} is a {thing}{f' that is a {thing}' * 8} that is"


def _stuttering(rng: random.Random, sentences: list[str]) -> str:
    words = " ".join(sentences).split()
    place = rng.randrange(len(words) - 1)
    return " ".join([*words[:place], *[words[place]] * 3, *words[place:]])


def _repeating(rng: random.Random, sentences: list[str]) -> str:
    return " ".join([*sentences, rng.choice(sentences), sentences[-1]])


def _broken(rng: random.Random, sentences: list[str]) -> str:
    text = " ".join(sentences)
    return text[: -rng.randrange(5, 25)]


def _restarting(rng: random.Random, sentences: list[str]) -> str:
    return f"{' '.join(sentences)} {_sentence(rng, _PLAIN[0])}"


def _talking(rng: random.Random, sentences: list[str]) -> str:
    remark = rng.choice(["I'm sorry, I made a mistake.", "As an AI language model, I cannot see more.", "I hope so!"])
    return f"{' '.join(sentences)} {remark}"


def _marked(rng: random.Random, sentences: list[str]) -> str:
    mark = rng.choice(["###", "###Human: Continue ###Assistant:", "<Img>", "https://www.example.com/a.jpg", "�� ____"])
    return f"{' '.join(sentences)} {mark}"


_FAULTS = (_looping, _stuttering, _repeating, _broken, _restarting, _talking, _marked)
