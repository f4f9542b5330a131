"""Named bytes in front of a topology: docs/protocol.md, section 7."""

from __future__ import annotations

import mmap
import os
from typing import Callable, Dict, Iterable, List, Mapping, Tuple, Union

from ._channel import ProtocolError, format_line, number, parse_line

Buffer = Union[bytes, bytearray, memoryview, mmap.mmap]
Share = Union[Mapping[str, Buffer], Callable[[], Mapping[str, Buffer]]]
Pieces = Dict[str, memoryview]
_MOST_PIECES, _LONGEST_NAME = 4096, 255


def pieces_of(share: Union[Share, None]) -> Pieces:
    """The pieces of `join(share=...)`. Raises ValueError, TypeError, and what a function in their place raises."""
    given = share() if callable(share) else share or {}
    if len(given) > _MOST_PIECES or not all(0 < len(name.encode()) <= _LONGEST_NAME for name in given):
        raise ValueError(f"share has at most {_MOST_PIECES} pieces, with names of 1 to {_LONGEST_NAME} bytes of UTF-8")
    return {
        name: memoryview(value).cast("B") if len(memoryview(value)) else memoryview(b"")
        for name, value in given.items()
    }


def _up(value: int, multiple: int) -> int:
    return -(-value // multiple) * multiple


def lay_out(pieces: Pieces) -> Tuple[int, List[Tuple[int, memoryview]]]:
    """The length of the data, a multiple of the page size; and its parts with their offsets."""

    def index(places: Iterable[int], length: int) -> bytes:
        # Numbers have 14 digits, so the length of the index does not depend on them.
        lines = [f"index hwloc-share=1 bytes={length:014x}\n"]
        for (name, piece), at in zip(pieces.items(), places):
            lines.append(format_line("piece", name=name, offset=f"{at:014x}", length=f"{len(piece):014x}") + "\n")
        return "".join(lines).encode()

    end = length = len(index([0] * len(pieces), 0))
    places = []
    for piece in pieces.values():
        places.append(_up(end, 64))
        end = places[-1] + len(piece)
    return _up(end, mmap.PAGESIZE), [(0, memoryview(index(places, length))), *zip(places, pieces.values())]


def map_pieces(fd: int, length: int) -> Pieces:
    """The leader's data, mapped read-only. Raises ProtocolError, OSError."""
    if os.fstat(fd).st_size < length:
        raise ProtocolError("the file is shorter than its data")
    mapped = memoryview(mmap.mmap(fd, length, mmap.MAP_SHARED, mmap.PROT_READ))
    first = bytes(mapped[:64]).partition(b"\n")[0].decode("latin-1")
    index_length = number(parse_line(first)[1], "bytes", 16)
    pieces: Pieces = {}
    for text in bytes(mapped[len(first) + 1 : index_length]).decode("latin-1").splitlines():
        _, words, _ = parse_line(text)
        start, size = number(words, "offset", 16), number(words, "length", 16)
        if start + size > length or "name" not in words:
            raise ProtocolError(text)
        pieces[words["name"]] = mapped[start : start + size]
    return pieces
