"""Pictures that repeat an earlier one of the sample: by their bytes, or in what they show.

A perceptual hash alone takes a red button for a green one, and the flag of Italy for that of France, which differ in
no bit; so the colours must agree as well, cell by cell.
"""

from __future__ import annotations

from collections import defaultdict
from itertools import pairwise

_BITS = 64
# Of 255, in any channel of any cell. Copies of 200 drawings and photographs, encoded anew, halved or cropped by 2 %,
# came to 26 at most, 99 % of them to 17; the unlike pairs whose hashes are 4 bits apart or less began at 33.
COLOR_TOLERANCE = 25


class Duplicates:
    """The pictures kept so far. They are offered in the order of the sample, so that the first of its kind is kept.

    Near hashes are found exactly, by multi-index hashing (Norouzi, Punjani and Fleet 2012, "Fast Search in Hamming
    Space with Multi-Index Hashing"): two hashes that differ in at most d bits agree in at least one of d + 1 bands,
    so only the pictures that share a band are compared.
    """

    def __init__(self, distance: int | None) -> None:
        """Hashes that differ in up to `distance` of their 64 bits are one picture; None: only equal bytes are."""
        self._distance = distance
        self._keys: list[str] = []
        self._hashes: list[int] = []
        self._layouts: list[bytes] = []
        self._bytes: dict[bytes, int] = {}  # sha256 of a kept picture, stored or source -> its place
        bands = 0 if distance is None else distance + 1
        bounds = [_BITS * band // bands for band in range(bands)] + [_BITS]
        self._bands = [(low, (1 << (high - low)) - 1) for low, high in pairwise(bounds)]
        self._places: list[defaultdict[int, list[int]]] = [defaultdict(list) for _ in self._bands]

    def first_of(self, key: str, sha256: str, source_sha256: str, phash: str, layout: str) -> tuple[str, int] | None:
        """The kept picture that this one repeats, with the bits between them; None where it repeats none, and is kept.

        The other arguments are a `Picture`'s. Equal bytes, stored or source, are at distance 0. Of several pictures
        the nearest is named, of equally near ones the first.
        """
        digests = bytes.fromhex(sha256), bytes.fromhex(source_sha256)
        equal = [self._bytes[digest] for digest in digests if digest in self._bytes]
        if equal:
            return self._keys[min(equal)], 0
        bits, colors = int(phash, 16), bytes.fromhex(layout)
        nearest = self._nearest(bits, colors)
        if nearest is None:
            self._keep(key, digests, bits, colors)
            return None
        distance, place = nearest
        return self._keys[place], distance

    def _nearest(self, bits: int, colors: bytes) -> tuple[int, int] | None:
        """Distance and place of the nearest picture that is near enough."""
        if self._distance is None:
            return None
        found = (
            (distance, place)
            for (low, mask), places in zip(self._bands, self._places, strict=True)
            for place in places.get((bits >> low) & mask, ())
            if (distance := (self._hashes[place] ^ bits).bit_count()) <= self._distance
            and _alike(self._layouts[place], colors)
        )
        return min(found, default=None)

    def _keep(self, key: str, digests: tuple[bytes, bytes], bits: int, colors: bytes) -> None:
        place = len(self._keys)
        self._keys.append(key)
        self._hashes.append(bits)
        self._layouts.append(colors)
        for digest in digests:
            self._bytes[digest] = place
        for (low, mask), places in zip(self._bands, self._places, strict=True):
            places[(bits >> low) & mask].append(place)


def _alike(first: bytes, second: bytes) -> bool:
    return all(abs(a - b) <= COLOR_TOLERANCE for a, b in zip(first, second, strict=True))
