"""The channel: its directory, the roll, and the lines in it. docs/protocol.md, sections 1 to 3."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import itertools
import os
import re
import secrets
import stat
import struct
import time
from dataclasses import dataclass, field, fields
from typing import Callable, Dict, List, Optional, Tuple

from ._hwloc import setting

LEADS = 1 << 31  # the leader locks this byte of the roll; each rank locks the byte of its local rank
_OWNS = LEADS + 1  # the wrapper locks this one: it owns the channel
LINE = 4096  # most bytes of a line in the lobby: one write puts so many into a FIFO in one piece
SHORT_LINK = 127  # most bytes of a link's target that need no block of a tmpfs


class ProtocolError(ValueError):
    """A line that cannot be understood, or a channel that has gone."""


# ---- Lines ----

Words = Dict[str, str]
Range = Tuple[int, int]  # the end exclusive


def format_line(verb: str, **words: object) -> str:
    """A line. Words that are None are left out."""

    def escaped(value: object) -> str:
        raw = str(value).encode("utf-8", "surrogateescape")
        return "".join(chr(byte) if 0x21 <= byte <= 0x7E and byte != 0x25 else f"%{byte:02x}" for byte in raw)

    return " ".join([verb, *(f"{key}={escaped(value)}" for key, value in words.items() if value is not None)])


def parse_line(line: str) -> Tuple[str, Words, List[Range]]:
    """The verb, the words and the ranges of a line. Raises ProtocolError."""
    verb, *rest = line.split(" ")
    words: Words = {}
    ranges: List[Range] = []
    for word in rest:
        key, equals, value = word.partition("=")
        if not equals:
            bounds = re.fullmatch("([0-9a-fA-F]{1,16})-([0-9a-fA-F]{1,16})", word)
            if bounds is None or int(bounds[1], 16) >= int(bounds[2], 16):
                raise ProtocolError(line)
            ranges.append((int(bounds[1], 16), int(bounds[2], 16)))
        elif re.fullmatch("[a-z0-9-]+", key) is None or key in words:
            raise ProtocolError(line)
        else:
            raw = re.sub(rb"%([0-9a-fA-F]{2})", lambda code: bytes([int(code[1], 16)]), value.encode())
            words[key] = raw.decode("utf-8", "surrogateescape")
    if re.fullmatch("[a-z]+", verb) is None:
        raise ProtocolError(line)
    return verb, words, ranges


def number(words: Words, key: str, base: int = 10, absent: Optional[int] = None) -> int:
    """The number in a word; `absent` if there is no such word. Raises ProtocolError."""
    text = words.get(key)
    if text is None and absent is not None:
        return absent
    if text is None or re.fullmatch("[0-9a-fA-F]{1,16}" if base == 16 else "[0-9]{1,16}", text) is None:
        raise ProtocolError(f"{key}={text}")
    return int(text, base)


_FINAL, _PLANNED, _JOIN = "release fallback", "plan release", "lead anew plan"


def _number(verbs: str, base: int = 10, absent: Optional[int] = None) -> int:
    """A number in the line of a round: which verbs have it, and its value if it is missing (None: an error)."""
    return field(
        default=0 if absent is None else absent, metadata={"verbs": verbs.split(), "base": base, "absent": absent}
    )


@dataclass(frozen=True)
class Round:
    """What a leader publishes."""

    verb: str
    round: int = _number(f"{_JOIN} {_FINAL}")
    leader: int = _number(_JOIN, absent=-1)  # its byte
    deaths: int = _number("anew plan", absent=0)
    passed: int = _number(_FINAL)
    all: int = _number(_FINAL, absent=0)
    xml: int = _number(_FINAL, absent=-1)
    thissystem: int = _number(_FINAL, absent=0)
    plan: int = _number("release")
    at: int = _number(_PLANNED, 16)
    bytes: int = _number(_PLANNED, 16)
    abi: int = _number(_PLANNED, 16)
    offset: int = _number(_PLANNED, 16, absent=0)
    base: int = _number(_PLANNED, absent=0)
    shape: str = ""  # which topology the leader asks for; empty if it is this machine as hwloc finds it
    reason: str = ""

    @property
    def is_final(self) -> bool:
        return self.verb in ("release", "fallback")

    @staticmethod
    def parse(line: str) -> Round:
        """Raises ProtocolError."""
        verb, words, _ = parse_line(line)
        if verb not in ("lead", "anew", "plan", "release", "fallback"):
            raise ProtocolError(line)
        numbers = [each for each in fields(Round) if verb in each.metadata.get("verbs", ())]
        found = {
            each.name: number(words, each.name, each.metadata["base"], each.metadata["absent"]) for each in numbers
        }
        if verb == "plan":
            found["plan"] = found["round"]
        if verb in ("plan", "release") and not 0 < found["bytes"] < (1 << 64) - found["at"]:
            raise ProtocolError(line)
        return Round(verb, **found, shape=words.get("shape", ""), reason=words.get("reason", ""))

    def line(self) -> str:
        words: Dict[str, object] = {}
        for each in fields(self):
            value, rules = getattr(self, each.name), each.metadata
            if self.verb in rules.get("verbs", ()) and value != rules["absent"]:
                words[each.name] = f"{value:x}" if rules["base"] == 16 else value
        shape = self.shape if self.verb in ("plan", "release") or self.xml >= 0 else ""
        reason = self.reason if self.verb == "fallback" else ""
        return format_line(self.verb, **words, shape=shape or None, reason=reason or None)


# ---- The roll ----


class Roll:
    """The file whose locked bytes say who is there.

    The locks are POSIX locks: a child made by fork does not have them; they end when any descriptor of the file is
    closed.
    """

    def __init__(self, fd: int) -> None:
        self.fd = fd

    def lock(self, start: int, length: int = 1) -> bool:
        try:
            fcntl.lockf(self.fd, fcntl.LOCK_EX | fcntl.LOCK_NB, length, start)
            return True
        except OSError as error:
            if error.errno in (errno.EAGAIN, errno.EACCES):
                return False
            raise

    def lock_all(self) -> bool:
        return self.lock(0, _OWNS + 1)

    def unlock(self, start: int) -> None:
        fcntl.lockf(self.fd, fcntl.LOCK_UN, 1, start)

    def find(self, start: int, end: int) -> Optional[Tuple[int, int]]:
        """Start and length of a lock that another process has on these bytes. If there are several: any one of them."""
        if start >= end:
            return None
        form = "hhqqi4x"  # struct flock
        found = fcntl.fcntl(
            self.fd, fcntl.F_GETLK, struct.pack(form, fcntl.F_WRLCK, os.SEEK_SET, start, end - start, 0)
        )
        kind, _, start, length, _ = struct.unpack(form, found)
        return None if kind == fcntl.F_UNLCK else (start, length)

    def is_held(self, byte: int) -> bool:
        return self.find(byte, byte + 1) is not None


# ---- Directories ----


def _next_units(key: str) -> List[int]:
    raw = key.encode("utf-8", "surrogateescape").decode("utf-8", "replace").encode("utf-16-le")
    return [raw[i] | raw[i + 1] << 8 for i in range(0, len(raw), 2)]


def hash_of_key(key: str) -> int:
    """FNV-1a over UTF-16 units."""
    value = 0x811C9DC5
    for unit in _next_units(key):
        value = (value ^ unit) * 0x01000193 & 0xFFFFFFFF
    return value


def name_of_key(key: str) -> str:
    """The name of a channel's directory: the key, or a name made from it if it cannot be a name itself."""
    if re.fullmatch(r"(?!\.)[A-Za-z0-9._@-]{0,120}", key):
        return key
    text = "".join(chr(unit) if unit < 128 else "_" for unit in _next_units(key))
    return re.sub(r"^\.|[^A-Za-z0-9._@-]", "_", text)[:100] + f"-{hash_of_key(key):08x}"


def find_roots() -> List[Optional[str]]:
    """The directories that channels can be in, by number. None: not set, or the same as an earlier one."""
    bases = [None, setting("HWLOC_SHARE_DIR"), "/dev/shm", setting("XDG_RUNTIME_DIR"), setting("TMPDIR") or "/tmp"]
    roots = [base and os.path.join(os.path.abspath(base), f"hwloc-share-{os.geteuid()}") for base in bases]
    return [None if root in roots[:i] else root for i, root in enumerate(roots)]


class OtherStepError(Exception):
    """The channel of this name is for another step."""


class Refused(OSError):
    """A file or directory that is not safe to use."""


def open_ours(name: str, flags: int, is_kind: Callable[[int], bool], directory: Optional[int] = None) -> int:
    """Opens a file that must be of this kind, belong to this user and be closed to others. Raises Refused, OSError."""
    try:
        fd = os.open(name, flags | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK, dir_fd=directory)
    except OSError as error:
        if error.errno in (errno.ENOTDIR, errno.ELOOP):
            raise Refused(error.errno, "is a link, or not a directory", name) from None
        raise
    found, why = os.fstat(fd), None
    if not is_kind(found.st_mode):
        why = "is not of the type that it should be"
    elif found.st_uid != os.geteuid():
        why = f"belongs to user {found.st_uid}"
    elif found.st_mode & 0o077:
        why = f"is open to others (mode {found.st_mode & 0o777:o})"
    if why is None:
        return fd
    os.close(fd)
    raise Refused(errno.EPERM, why, name)


def open_directory(name: str, directory: Optional[int] = None) -> int:
    return open_ours(name, os.O_RDONLY | os.O_DIRECTORY, stat.S_ISDIR, directory)


@contextlib.contextmanager
def closing(fd: int):  # type: ignore[no-untyped-def]
    try:
        yield fd
    finally:
        os.close(fd)


def _is_named(path: str, roll: int) -> bool:
    """Whether the roll under this path is the one that is open."""
    with contextlib.suppress(OSError):
        return os.path.samestat(os.stat(f"{path}/roll", follow_symlinks=False), os.fstat(roll))
    return False


def _remove_directory(path: str) -> None:
    """Removes a directory and all in it, the roll last: if this process is killed, the next sweep still knows it."""
    with contextlib.suppress(OSError):
        for entry in sorted(os.listdir(path), key=lambda name: name == "roll"):
            os.unlink(f"{path}/{entry}")
    with contextlib.suppress(OSError):
        os.rmdir(path)


def _is_unclaimed(roll: int) -> bool:
    """Whether the process that made a directory has yet to lock it: its roll says so, and is new."""
    found = os.fstat(roll)
    return found.st_size > 0 and time.time() - found.st_mtime < 10


def remove_if_dead(root: str, name: str) -> bool:
    """Removes a directory of a root, not our own, if nobody has a lock on its roll. Returns whether it is gone."""
    path = f"{root}/{name}"
    try:
        os.close(open_directory(path))
        with closing(open_ours(f"{path}/roll", os.O_RDWR, stat.S_ISREG)) as fd:
            if not _is_unclaimed(fd) and Roll(fd).lock_all() and _is_named(path, fd):
                passing = f"{root}/.old-{secrets.token_hex(8)}"
                os.rename(path, passing)
                _remove_directory(passing)
                return True
    except FileNotFoundError:
        with contextlib.suppress(OSError):
            os.rmdir(path)  # it is empty: the process that made or removed it was killed
    except OSError:
        pass
    return False


def sweep(root: str, ours: Tuple[str, str]) -> None:
    """Removes what dead jobs left in a root, except directories of these names."""
    with contextlib.suppress(OSError):
        with closing(open_directory(root)) as fd:
            for name in set(os.listdir(fd)) - set(ours):
                remove_if_dead(root, name)
        os.rmdir(root)


@dataclass
class Place:
    """An open directory of a root, and its roll."""

    path: str
    directory: int
    roll: Roll
    is_visited: bool = False  # another process has our byte

    def close(self) -> None:
        os.close(self.roll.fd)
        os.close(self.directory)


def _is_of_step(step: Optional[str], directory: int) -> bool:
    """Whether a channel is for this step; if it is not for any step yet, it is from now on."""
    try:
        if step is not None:
            os.symlink(step, "step", dir_fd=directory)
    except FileExistsError:
        return os.readlink("step", dir_fd=directory) == step
    except OSError:
        pass
    return True


def _enter_made(path: str, byte: int, step: Optional[str]) -> Optional[Place]:
    """Enters a channel that exists. None: try again. Raises OtherStepError, FileNotFoundError, OSError."""
    with closing(open_directory(os.path.dirname(path))), contextlib.ExitStack() as opened:
        directory = open_directory(path)
        opened.callback(os.close, directory)
        roll = Roll(open_ours("roll", os.O_RDWR, stat.S_ISREG, directory))
        opened.callback(os.close, roll.fd)
        if not _is_of_step(step, directory):
            raise OtherStepError(path)
        is_locked = roll.lock(byte)
        # One byte: another process has this rank's number. More: a process is removing the channel.
        holder = None if is_locked else roll.find(byte, byte + 1)
        if _is_named(path, roll.fd) and (is_locked or (holder is not None and holder[1] == 1)):
            opened.pop_all()
            return Place(path, directory, roll, not is_locked)
    return None


def build(path: str, byte: int, fifos: Tuple[str, ...], step: Optional[str] = None) -> Optional[Place]:
    """Makes a directory with a roll and locks our byte, under another name first. None: try again. Raises OSError."""
    root = os.path.dirname(path)
    with contextlib.suppress(FileExistsError):
        os.mkdir(root, 0o700)
    passing = f"{root}/.new-{secrets.token_hex(8)}"
    trouble: Optional[OSError] = None  # None: another process took it for a dead one, and locked its roll
    try:
        with closing(open_directory(root)), contextlib.ExitStack() as opened:
            os.mkdir(passing, 0o700)
            directory = open_directory(passing)
            opened.callback(os.close, directory)
            roll = Roll(os.open("roll", os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600, dir_fd=directory))
            opened.callback(os.close, roll.fd)
            if roll.lock(byte):
                for fifo in fifos:
                    os.mkfifo(fifo, 0o600, dir_fd=directory)
                _is_of_step(step, directory)
                os.rename(passing, path)
                opened.pop_all()
                return Place(path, directory, roll)
    except OSError as error:
        trouble = error
    _remove_directory(passing)
    with contextlib.suppress(OSError):
        os.rmdir(root)
    # Another rank was faster; or another process took it for an empty or dead directory, and removed it.
    if trouble is None or trouble.errno in (errno.EEXIST, errno.ENOTEMPTY, errno.ENOENT):
        return None
    raise trouble


def enter(
    roots: List[Optional[str]], name: str, byte: int, step: Optional[str], say: Callable[[str], None]
) -> Tuple[int, Place]:
    """Finds the channel, or makes it in the first root that can be used. Returns the number of the root, and the place.

    Raises OSError, OtherStepError.
    """
    trouble: OSError = FileNotFoundError(errno.ENOENT, "there is no directory for a channel")
    until = time.monotonic() + 1  # a removal takes microseconds, unless the process that does it is stopped
    while time.monotonic() < until:
        for is_made, i in itertools.product((True, False), range(1, len(roots))):
            path = f"{roots[i]}/{name}"
            try:
                if roots[i] is None:
                    continue
                place = _enter_made(path, byte, step) if is_made else build(path, byte, ("lobby", "gate.1"), step)
            except FileNotFoundError:
                continue
            except OSError as error:
                trouble, roots[i] = error, None
                if isinstance(error, Refused):
                    advice = "remove it, or set HWLOC_SHARE_DIR to another directory"
                    say(f"{error.filename} {error.strerror}; refused: {advice}")
                continue
            if place is not None:
                return i, place
            time.sleep(0.001)
            break
        else:
            raise trouble
    raise OSError(errno.EBUSY, "the channel of this job is still being removed after a second")
