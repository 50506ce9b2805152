"""Which picture repeats an earlier one, against a search through all of them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.duplicates import COLOR_TOLERANCE, Duplicates

ALL = 2**64 - 1
FAR_APART = 0x8000_0400_0020_0001  # four bits


@dataclass(frozen=True)
class Look:
    """A picture: its bytes as stored and as they came, its hash, and the value of all cells of its layout but one."""

    stored: str
    source: str
    bits: int = 0
    grey: int = 100
    cell: int = 100

    def offered(self, duplicates: Duplicates, key: str) -> tuple[str, int] | None:
        """What is said of it."""
        stored, source = (sha256(text.encode()).hexdigest() for text in (self.stored, self.source))
        layout = bytes([self.grey] * 40 + [self.cell] + [self.grey] * 7)
        return duplicates.first_of(key, stored, source, f"{self.bits:016x}", layout.hex())


def told(distance: int | None, *looks: Look) -> list[tuple[str, int] | None]:
    """What is said of pictures that are offered in turn, under the keys 0, 1, 2, ..."""
    duplicates = Duplicates(distance)
    return [look.offered(duplicates, str(place)) for place, look in enumerate(looks)]


A, B, C, D = (Look(name, name.upper()) for name in "abcd")
PAIRS = [
    pytest.param(4, A, B, ("0", 0), id="equal_looks"),
    pytest.param(4, A, replace(B, bits=0b1111), ("0", 4), id="4_bits_side_by_side"),
    pytest.param(4, A, replace(B, bits=FAR_APART), ("0", 4), id="4_bits_far_apart"),
    pytest.param(4, replace(A, bits=ALL), replace(B, bits=ALL ^ FAR_APART), ("0", 4), id="4_bits_less"),
    pytest.param(4, A, replace(B, bits=FAR_APART + 2), None, id="5_bits"),
    pytest.param(4, A, replace(B, grey=100 + COLOR_TOLERANCE, cell=100 - COLOR_TOLERANCE), ("0", 0), id="colours_alike"),
    pytest.param(4, A, replace(B, cell=101 + COLOR_TOLERANCE), None, id="one_cell_lighter"),
    pytest.param(4, A, replace(B, cell=99 - COLOR_TOLERANCE), None, id="one_cell_darker"),
    pytest.param(4, A, Look("a", "B", ALL, 0, 0), ("0", 0), id="equal_stored_bytes"),
    pytest.param(4, A, Look("b", "A", ALL, 0, 0), ("0", 0), id="equal_source_bytes"),
    pytest.param(4, A, Look("b", "a", ALL, 0, 0), ("0", 0), id="someone_fetched_what_we_stored"),
    pytest.param(0, A, B, ("0", 0), id="no_bit_may_differ"),
    pytest.param(0, A, replace(B, bits=1), None, id="no_bit_may_differ_but_one_does"),
    pytest.param(64, A, replace(B, bits=ALL), ("0", 64), id="all_may_differ"),
    pytest.param(None, A, B, None, id="looks_are_not_asked"),
    pytest.param(None, A, replace(B, stored="a"), ("0", 0), id="stored_bytes_alone"),
    pytest.param(None, A, replace(B, source="A"), ("0", 0), id="source_bytes_alone"),
]  # fmt: skip


@pytest.mark.parametrize(("distance", "first", "second", "said"), PAIRS)
def test_the_second_of_two(distance: int | None, first: Look, second: Look, said: tuple[str, int] | None) -> None:
    """It repeats the first by its bytes, or if hash and colours are near enough; the first repeats nothing."""
    assert told(distance, first, second) == [None, said]


def test_the_nearest_is_named() -> None:
    """Of equally near ones the first; one of other colours is none of them."""
    one, two, green = replace(A, bits=0b000111), replace(B, bits=0b111000), replace(C, bits=0b011011, cell=200)
    looks = [one, two, green, replace(D, bits=0b011011), replace(D, source="E", stored="e", bits=0b111001)]
    assert told(3, *looks) == [None, None, None, ("0", 3), ("1", 1)]


def test_of_two_with_equal_bytes_the_first_is_named() -> None:
    """Whichever bytes are whose."""
    assert told(None, A, B, replace(C, stored="b", source="A")) == [None, None, ("0", 0)]


def test_a_repeated_picture_is_not_kept() -> None:
    """What is near to it alone is near to nothing: a chain of small changes does not end at another picture."""
    chain = [A, replace(B, bits=0b1), replace(C, bits=0b11), replace(D, bits=0b111)]
    assert told(1, *chain) == [None, ("0", 1), None, ("2", 1)]


def brute_force(distance: int | None, looks: list[Look]) -> list[tuple[str, int] | None]:
    """The same by comparing with every picture kept."""
    kept: list[int] = []
    said: list[tuple[str, int] | None] = []
    for place, look in enumerate(looks):
        equal = [p for p in kept if {looks[p].stored, looks[p].source} & {look.stored, look.source}]
        alike = [p for p in kept if max(abs(looks[p].grey - look.grey), abs(looks[p].cell - look.cell)) <= 25]
        near = [((looks[p].bits ^ look.bits).bit_count(), p) for p in alike]
        near = [pair for pair in near if distance is not None and pair[0] <= distance]
        if equal:
            said.append((str(equal[0]), 0))
        elif near:
            bits_apart, first = min(near)
            said.append((str(first), bits_apart))
        else:
            said.append(None)
            kept.append(place)
    return said


FLIPS = st.lists(st.integers(0, 63), max_size=6).map(lambda bits: sum(1 << bit for bit in set(bits)))
HASHES = st.builds(lambda base, flips: base ^ flips, st.sampled_from([0, ALL, 0x5555_AAAA_0F0F_3C3C]), FLIPS)
NAMES, COLOURS = st.integers(0, 99).map(str), st.sampled_from([80, 100, 105, 106])


@given(
    st.one_of(st.none(), st.integers(0, 9), st.just(64)),
    st.lists(st.builds(Look, NAMES, NAMES, HASHES, COLOURS, COLOURS), max_size=40),
)
def test_nothing_near_is_missed(distance: int | None, looks: list[Look]) -> None:
    """The index says what a search through all kept pictures says."""
    assert told(distance, *looks) == brute_force(distance, looks)
