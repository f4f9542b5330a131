"""Address ranges: what is occupied, what is free in all ranks, and reserving it."""

from __future__ import annotations

import ctypes
import errno
import os
from typing import Iterable, List, NamedTuple, Optional

from ._channel import Range, hash_of_key

_USER_SPACE_END = 0x7FFF_FFFF_F000  # mmap() gives out more only if asked to
_STEP = 2 << 20
_WINDOWS = ((0x4000_0000_0000, 0x5400_0000_0000), (0x6000_0000_0000, 0x7000_0000_0000))


class Space(NamedTuple):
    """What is mapped in this process; the end of its heap and the start of its stack."""

    ranges: List[Range]
    heap: Optional[int]
    stack: Optional[int]


def own_space() -> Space:
    """Raises OSError."""
    ranges: List[Range] = []
    heap = stack = None
    with open("/proc/self/maps", encoding="latin-1") as file:
        for line in file:
            start, _, end = line.partition(" ")[0].partition("-")
            ranges.append((int(start, 16), int(end, 16)))
            if line.endswith(" [heap]\n"):
                heap = ranges[-1][1]
            elif line.endswith(" [stack]\n"):
                stack = ranges[-1][0]
    return Space(merge(ranges), heap, stack)


def merge(ranges: Iterable[Range]) -> List[Range]:
    """Sorts the ranges, and joins those that touch."""
    merged: List[Range] = []
    for start, end in sorted(ranges):
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    return merged


def _first_fit(taken: List[Range], start: int, end: int, length: int) -> Optional[int]:
    """The first multiple of 2 MiB at which `length` bytes are free between `start` and `end`."""

    def up(address: int) -> int:
        return -(-address // _STEP) * _STEP

    start = up(start)
    for used_start, used_end in taken:
        if used_start < start + length:
            start = max(start, up(used_end))
    return start if start + length <= end else None


def choose(taken: List[Range], length: int, seed: str) -> int:
    """An address at which `length` bytes are free in all ranks. `taken` is sorted. Raises OSError if there is none.

    It lies in a window that nothing else uses: programs and their heaps are at 0x55.. and 0x56.. or far below,
    libraries, stacks and new mappings above 0x7e.., the memory of JavaScript engines below 0x40... The place in the
    window depends on `seed`, since other jobs choose an address there, too. If neither window has room (some machines
    have less address space), it lies above the first quarter of the space that there is.
    """
    top = max((end for _, end in taken if end <= _USER_SPACE_END), default=_USER_SPACE_END)
    windows = [(start, min(end, top)) for start, end in _WINDOWS if start < top]
    places = [
        (first, end) for start, end in windows for first in (start + hash_of_key(seed) * _STEP % (end - start), start)
    ]
    for start, end in [*places, (top // 4, top)]:
        address = _first_fit(taken, start, end, length)
        if address is not None:
            return address
    raise OSError(errno.ENOMEM, "no address is free in all ranks")


_libc = ctypes.CDLL(None, use_errno=True)
_libc.mmap.restype = ctypes.c_void_p
_libc.mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int, ctypes.c_int, ctypes.c_int, ctypes.c_long]
_libc.munmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t]
_libc.mprotect.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int]
_PROT_NONE, _PROT_READ_WRITE = 0, 3
_PRIVATE_ANONYMOUS_NORESERVE_FIXED_NOREPLACE = 0x02 | 0x20 | 0x4000 | 0x100000


class Reservation:
    """A reserved range. Raises FileExistsError if something is mapped there, else OSError."""

    def __init__(self, at: int, length: int) -> None:
        got = _libc.mmap(at, length, _PROT_NONE, _PRIVATE_ANONYMOUS_NORESERVE_FIXED_NOREPLACE, -1, 0)
        if got == ctypes.c_void_p(-1).value:
            number = ctypes.get_errno()
            raise OSError(number, f"its range cannot be mapped: {os.strerror(number)}")
        if got != at:  # Linux before 4.17, for which the address is only a hint
            _libc.munmap(got, length)
            raise FileExistsError(errno.EEXIST, "its range was taken")
        self._range: Optional[Range] = (at, length)

    def drop(self) -> None:
        if self._range is not None:
            _libc.munmap(*self._range)
        self._range = None


def make_writable(at: int, length: int) -> None:
    if _libc.mprotect(at, length, _PROT_READ_WRITE) == -1:
        number = ctypes.get_errno()
        raise OSError(number, f"mprotect: {os.strerror(number)}")
