"""One hwloc topology for all ranks of a node: a rank in Python, by the pipe protocol of hwloc-share (docs/protocol.md).

This one module is all there is: it needs libhwloc (2.0 or later) and the standard library of Python 3.9. Linux only.

    import hwloc_share

    with hwloc_share.join() as session:
        print(session.topology.count("Core"), session.how)
        session.barrier()

Ranks in Python share with ranks in other languages of the same job. Any of them may be the leader.
"""

from __future__ import annotations

import atexit
import contextlib
import ctypes
import ctypes.util
import errno
import itertools
import os
import re
import select
import socket
import stat
import threading
import time
from typing import Callable, Dict, Iterable, Iterator, List, NamedTuple, Optional, Set, Tuple, Union

__all__ = ["HwlocError", "NotSharedError", "Session", "Topology", "join"]

_VERSION = 1
_LINE = 8192
_MOST_RANGES = 65536
_PLANS = 5
_LOOK = 0.25  # seconds between two looks at what no pipe tells
_SPARE = 8  # descriptors that the leader keeps back from members, to have some for files


class HwlocError(OSError):
    """libhwloc is not there, or one of its functions failed; `errno` is what it said, 0 if it said nothing."""


class NotSharedError(RuntimeError):
    """The topology could not be shared, and `strict` rules out a private copy."""


# ---- libhwloc and libc ----


class _Libraries:
    """The functions that are called, with their types. Those of libhwloc release Python's lock while they run."""

    def __init__(self) -> None:
        self.hwloc = _load_libhwloc()
        self.libc = ctypes.CDLL(None, use_errno=True)
        pointer, size = ctypes.c_void_p, ctypes.c_size_t
        number, unsigned, flags = ctypes.c_int, ctypes.c_uint, ctypes.c_ulong
        offset = ctypes.c_uint64
        types = {
            "hwloc_topology_init": (number, [ctypes.POINTER(pointer)]),
            "hwloc_topology_load": (number, [pointer]),
            "hwloc_topology_destroy": (None, [pointer]),
            "hwloc_topology_set_flags": (number, [pointer, flags]),
            "hwloc_topology_set_io_types_filter": (number, [pointer, number]),
            "hwloc_topology_set_all_types_filter": (number, [pointer, number]),
            "hwloc_topology_set_xml": (number, [pointer, ctypes.c_char_p]),
            "hwloc_topology_is_thissystem": (number, [pointer]),
            "hwloc_topology_get_depth": (number, [pointer]),
            "hwloc_get_depth_type": (number, [pointer, number]),
            "hwloc_get_type_depth": (number, [pointer, number]),
            "hwloc_get_nbobjs_by_depth": (unsigned, [pointer, number]),
            "hwloc_type_sscanf": (number, [ctypes.c_char_p, ctypes.POINTER(number), pointer, size]),
            "hwloc_topology_export_xmlbuffer": (
                number,
                [pointer, ctypes.POINTER(pointer), ctypes.POINTER(number), flags],
            ),
            "hwloc_free_xmlbuffer": (None, [pointer, pointer]),
            "hwloc_shmem_topology_get_length": (number, [pointer, ctypes.POINTER(size), flags]),
            "hwloc_shmem_topology_write": (number, [pointer, number, offset, pointer, size, flags]),
            "hwloc_shmem_topology_adopt": (
                number,
                [ctypes.POINTER(pointer), number, offset, pointer, size, flags],
            ),
        }
        for name, (result, arguments) in types.items():
            function = getattr(self.hwloc, name)
            function.restype, function.argtypes = result, arguments
        self.refresh = getattr(self.hwloc, "hwloc_topology_refresh", None)  # since 2.3
        if self.refresh is not None:
            self.refresh.restype, self.refresh.argtypes = number, [pointer]
        self.libc.mmap.restype = pointer
        self.libc.mmap.argtypes = [pointer, size, number, number, number, ctypes.c_long]
        self.libc.munmap.argtypes = [pointer, size]
        self.libc.mprotect.argtypes = [pointer, size, number]

    def call(self, name: str, *arguments: object) -> int:
        """Calls a function of libhwloc that returns -1 when it fails. Raises HwlocError then."""
        ctypes.set_errno(0)
        result = getattr(self.hwloc, name)(*arguments)
        if result == -1:
            number = ctypes.get_errno()
            raise HwlocError(number, f"{name}: {os.strerror(number) if number else 'failed'}")
        return result


def _load_libhwloc() -> ctypes.CDLL:
    names = [os.environ.get("HWLOC_SHARE_LIBHWLOC"), "libhwloc.so.15", "libhwloc.so"]
    for name in filter(None, names):
        with contextlib.suppress(OSError):
            return ctypes.CDLL(name, use_errno=True)
    found = ctypes.util.find_library("hwloc")
    if found is None:
        raise HwlocError(errno.ENOENT, "libhwloc is not installed (libhwloc15 in Debian, hwloc-libs in RHEL)")
    return ctypes.CDLL(found, use_errno=True)


_loaded: Optional[_Libraries] = None


def _lib() -> _Libraries:
    global _loaded
    if _loaded is None:
        _loaded = _Libraries()
    return _loaded


# ---- Topologies ----

_FLAG_INCLUDE_DISALLOWED, _FLAG_IS_THISSYSTEM = 1, 2
_FILTER_KEEP_ALL, _FILTER_KEEP_IMPORTANT = 0, 3


class Topology:
    """A loaded or adopted topology.

    It may be passed as it is to functions of libhwloc that were loaded with ctypes: it stands for its `hwloc_topology_t`. One
    that was adopted is read-only, see hwloc/shmem.h.
    """

    def __init__(self, pointer: int) -> None:
        self._pointer: Optional[int] = pointer

    @property
    def pointer(self) -> int:
        """The `hwloc_topology_t`, as a number. Raises ValueError after the session's close()."""
        if self._pointer is None:
            raise ValueError("the session of this topology is closed")
        return self._pointer

    @property
    def _as_parameter_(self) -> ctypes.c_void_p:
        return ctypes.c_void_p(self.pointer)

    @property
    def abi(self) -> int:
        """The ABI word: 0x20400 for hwloc 2.4 to 2.14."""
        return ctypes.c_uint32.from_address(self.pointer).value

    @property
    def depth(self) -> int:
        """The number of levels. See hwloc_topology_get_depth()."""
        return _lib().hwloc.hwloc_topology_get_depth(self)

    @property
    def is_this_system(self) -> bool:
        """Whether it describes the machine that it is used on. See hwloc_topology_is_thissystem()."""
        return bool(_lib().hwloc.hwloc_topology_is_thissystem(self))

    def count(self, kind: str) -> int:
        """How many objects of a type there are, by hwloc's own names: "Core", "PU", "NUMANode", "L3Cache"…

        Raises ValueError where hwloc does not know the name. See hwloc_type_sscanf(), hwloc_get_nbobjs_by_type().
        """
        lib, number = _lib().hwloc, ctypes.c_int()
        if lib.hwloc_type_sscanf(kind.encode(), ctypes.byref(number), None, 0) == -1:
            raise ValueError(f"no type of hwloc: {kind!r}")
        level = lib.hwloc_get_type_depth(self, number)
        if level == -2:  # HWLOC_TYPE_DEPTH_MULTIPLE: on several levels, as groups may be
            levels = [i for i in range(self.depth) if lib.hwloc_get_depth_type(self, i) == number.value]
            return sum(lib.hwloc_get_nbobjs_by_depth(self, i) for i in levels)
        return 0 if level == -1 else lib.hwloc_get_nbobjs_by_depth(self, level)

    def xml(self) -> str:
        """The topology as XML. See hwloc_topology_export_xmlbuffer()."""
        lib, buffer, length = _lib(), ctypes.c_void_p(), ctypes.c_int()
        lib.call("hwloc_topology_export_xmlbuffer", self, ctypes.byref(buffer), ctypes.byref(length), 0)
        try:
            return ctypes.string_at(buffer.value or 0, length.value).rstrip(b"\0").decode()
        finally:
            lib.hwloc.hwloc_free_xmlbuffer(self, buffer)

    def _destroy(self) -> None:
        if self._pointer is not None:
            _lib().hwloc.hwloc_topology_destroy(self)
        self._pointer = None


def _load_topology(configure: Callable[[_Libraries, Topology], None]) -> Topology:
    lib, pointer = _lib(), ctypes.c_void_p()
    lib.call("hwloc_topology_init", ctypes.byref(pointer))
    topology = Topology(pointer.value or 0)
    try:
        configure(lib, topology)
        lib.call("hwloc_topology_load", topology)
    except BaseException:
        topology._destroy()
        raise
    return topology


def _discover(flags: int = 0) -> Topology:
    def configure(lib: _Libraries, topology: Topology) -> None:
        io = os.environ.get("HWLOC_SHARE_IO")
        if io != "none":
            kind = _FILTER_KEEP_ALL if io == "all" else _FILTER_KEEP_IMPORTANT
            lib.call("hwloc_topology_set_io_types_filter", topology, kind)
        lib.call("hwloc_topology_set_flags", topology, flags)

    return _load_topology(configure)


def _import(file: str, is_this_system: bool) -> Topology:
    def configure(lib: _Libraries, topology: Topology) -> None:
        # All that the leader kept.
        lib.call("hwloc_topology_set_all_types_filter", topology, _FILTER_KEEP_ALL)
        flags = _FLAG_INCLUDE_DISALLOWED | (_FLAG_IS_THISSYSTEM if is_this_system else 0)
        lib.call("hwloc_topology_set_flags", topology, flags)
        lib.call("hwloc_topology_set_xml", topology, os.fsencode(file))

    return _load_topology(configure)


def _own_abi() -> int:
    lib, pointer = _lib(), ctypes.c_void_p()
    lib.call("hwloc_topology_init", ctypes.byref(pointer))
    topology = Topology(pointer.value or 0)
    try:
        return topology.abi
    finally:
        topology._destroy()


# ---- Who am I ----


class _Process(NamedTuple):
    """A process: its pid, and when it started, since pids are used again."""

    pid: int
    start: int
    parent: int
    command: str
    is_dead: bool

    def line(self) -> str:
        """The line of `keeper` and `leader`."""
        return f"pid={self.pid} start={self.start} namespace={_namespace()}\n"


def _process(pid: int) -> Optional[_Process]:
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as file:
            head, _, tail = file.read().rpartition(")")
    except OSError:
        return None
    # The second field is the command in parentheses, which may hold spaces and parentheses itself.
    fields = tail.split()
    return _Process(pid, int(fields[19]), int(fields[1]), head.partition("(")[2], fields[0] in "ZX")


def _self() -> _Process:
    process = _process(os.getpid())
    if process is None:
        raise OSError(errno.ESRCH, "/proc does not tell about this process")
    return process


def _namespace() -> str:
    return os.readlink("/proc/self/ns/pid")


def _ancestor(commands: Tuple[str, ...]) -> _Process:
    """The nearest ancestor whose command begins with one of these; the parent if there is none."""
    parent = process = _process(os.getppid())
    while process is not None and process.pid > 1:
        if process.command.startswith(commands):
            return process
        process = _process(process.parent)
    return parent if parent is not None else _self()


class _Identity(NamedTuple):
    rank: int
    size: int
    local_rank: int
    local_size: int
    node: str
    step: Optional[str]  # None: no launcher that is known here


def _identify() -> _Identity:
    env, host = os.environ, socket.gethostname()
    alone = _Identity(0, 1, 0, 1, host, None)
    try:
        found = _identify_by(env, host)
    except (KeyError, ValueError, IndexError):
        return alone
    if found is None or not (0 <= found.local_rank < found.local_size <= found.size and 0 <= found.rank < found.size):
        return alone
    return found


def _identify_by(env: os._Environ[str], host: str) -> Optional[_Identity]:
    def numbers(*names: str) -> Iterator[int]:
        return (int(env[name]) for name in names)

    if "HWLOC_SHARE_RANK" in env:
        names = ("HWLOC_SHARE_RANK", "HWLOC_SHARE_SIZE", "HWLOC_SHARE_LOCAL_RANK", "HWLOC_SHARE_LOCAL_SIZE")
        return _Identity(*numbers(*names), host, f"local@{host}")
    if "OMPI_COMM_WORLD_RANK" in env:
        prefix = "OMPI_COMM_WORLD_"
        names = tuple(prefix + name for name in ("RANK", "SIZE", "LOCAL_RANK", "LOCAL_SIZE"))
        return _Identity(*numbers(*names), host, f"openmpi-{env['PMIX_NAMESPACE']}@{host}")
    if "PMI_RANK" in env and "MPI_LOCALRANKID" in env:
        proxy = _ancestor(("hydra_pmi_proxy", "pmi_proxy"))
        names = ("PMI_RANK", "PMI_SIZE", "MPI_LOCALRANKID", "MPI_LOCALNRANKS")
        return _Identity(*numbers(*names), host, f"mpich-{proxy.pid}-{proxy.start}@{host}")
    if "SLURM_PROCID" in env and "SLURM_STEP_TASKS_PER_NODE" in env:
        node = env.get("SLURMD_NODENAME", host)
        tasks = _tasks_per_node(env["SLURM_STEP_TASKS_PER_NODE"])[int(env["SLURM_NODEID"])]
        names = ("SLURM_PROCID", "SLURM_NTASKS", "SLURM_LOCALID")
        return _Identity(*numbers(*names), tasks, node, f"slurm-{env['SLURM_JOB_ID']}.{env['SLURM_STEP_ID']}@{node}")
    return None


def _tasks_per_node(text: str) -> List[int]:
    """`2(x3),1` stands for 2,2,2,1."""
    counts: List[int] = []
    for word in text.split(","):
        match = re.fullmatch(r"(\d+)(?:\(x(\d+)\))?", word)
        if match is None:
            raise ValueError(text)
        counts += [int(match[1])] * int(match[2] or 1)
    return counts


# ---- The channel: ROOT/KEY ----


def _directory_name(key: str) -> str:
    """KEY, or what stands for one that is no name for a directory."""
    key = key.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
    if re.fullmatch(r"(?!\.)[A-Za-z0-9._@-]{1,120}", key):
        return key
    raw = key.encode("utf-16-le")
    units = [raw[i] | raw[i + 1] << 8 for i in range(0, len(raw), 2)]
    value = 0x811C9DC5
    for unit in units:
        value = (value ^ unit) * 0x01000193 & 0xFFFFFFFF
    text = "".join(chr(unit) if unit < 128 else "_" for unit in units)
    return re.sub(r"^\.|[^A-Za-z0-9._@-]", "_", text)[:100] + f"-{value:08x}"


def _roots() -> Iterator[str]:
    env = os.environ
    bases = [env.get("HWLOC_SHARE_DIR"), "/dev/shm", env.get("XDG_RUNTIME_DIR"), env.get("TMPDIR") or "/tmp"]
    for base in filter(None, bases):
        if os.path.isdir(base):
            yield os.path.join(os.path.realpath(base), f"hwloc-share-{os.geteuid()}")


def _open(name: str, flags: int, kind: Callable[[int], bool], directory: Optional[int] = None) -> int:
    """Opens what must be of this kind, of this user, and closed to others."""
    fd = os.open(name, flags | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=directory)
    found = os.fstat(fd)
    if kind(found.st_mode) and found.st_uid == os.geteuid() and not found.st_mode & 0o077:
        return fd
    os.close(fd)
    raise PermissionError(errno.EPERM, "of another type or user, or open to others", name)


def _open_directory(name: str, directory: Optional[int] = None) -> int:
    return _open(name, os.O_RDONLY | os.O_DIRECTORY, stat.S_ISDIR, directory)


def _close(*fds: Optional[int]) -> None:
    for fd in fds:
        if fd is not None:
            os.close(fd)


def _passing_name() -> str:
    """Another name for a directory on its way in or out: this process's own, so that a sweep knows whose it is."""
    return f".building-{os.getpid()}-{_self().start}-{''.join(re.findall(r'[0-9]', _namespace()))}"


def _keeper() -> _Process:
    """The process whose end means that the job has ended."""
    known = os.environ.get("HWLOC_SHARE_KEEPER", "")
    named = _process(int(known)) if known.isdecimal() else None
    launchers = ("hydra_pmi_proxy", "pmi_proxy", "mpirun", "mpiexec", "orterun", "orted", "prted", "slurmstepd")
    return named if named is not None else _ancestor(launchers)


def _is_dead(line: str) -> bool:
    """Whether the process of a `keeper` or `leader` line is known to be dead."""
    match = re.fullmatch(r"pid=(\d+) start=(\d+) namespace=(\S+)\n?", line)
    if match is None or match[3] != _namespace():
        return False
    process = _process(int(match[1]))
    return process is None or process.start != int(match[2]) or process.is_dead


class _Channel:
    """The directory in which the ranks of this node meet. All in it is found through its descriptor."""

    def __init__(self, root: str, key: str, fd: int) -> None:
        self.root, self.key = root, key
        self.fd: Optional[int] = fd

    def path(self, name: str) -> str:
        return os.path.join(self.root, self.key, name)

    def has(self, name: str) -> bool:
        try:
            os.stat(name, dir_fd=self.fd, follow_symlinks=False)
            return True
        except OSError:
            return False

    def fifo(self, name: str, flags: int) -> int:
        return _open(name, flags | os.O_NONBLOCK, stat.S_ISFIFO, self.fd)

    def read(self, name: str) -> str:
        fd = _open(name, os.O_RDONLY | os.O_NONBLOCK, stat.S_ISREG, self.fd)
        with open(fd, "rb") as file:
            return file.read(_LINE).decode("utf-8", "replace")

    def write(self, name: str, text: str) -> None:
        """Writes a new file. FileExistsError if it is there."""
        fd = os.open(name, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600, dir_fd=self.fd)
        try:
            with open(fd, "wb") as file:
                file.write(text.encode())
        except OSError:
            self.unlink(name)
            raise

    def replace(self, name: str, text: str) -> None:
        """Writes a file so that nobody ever sees half of it."""
        passing = _passing_name()
        self.unlink(passing)
        self.write(passing, text)
        os.rename(passing, name, src_dir_fd=self.fd, dst_dir_fd=self.fd)

    def unlink(self, name: str) -> None:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(name, dir_fd=self.fd)

    def close(self) -> None:
        _close(self.fd)
        self.fd = None


def _enter(root: str, key: str, with_fifos: bool = True) -> _Channel:
    """Opens ROOT/KEY, and makes it, and ROOT, if it is not there."""
    for _ in range(100):
        with contextlib.suppress(FileExistsError):
            os.mkdir(root, 0o700)
        try:
            at = _open_directory(root)
        except FileNotFoundError:
            continue
        try:
            channel = _Channel(root, key, _open_directory(key, at))
            break
        except FileNotFoundError:
            try:
                _build(at, key, with_fifos)
            except OSError as error:
                # Another rank was faster, or ROOT has just gone: look again.
                if error.errno not in (errno.EEXIST, errno.ENOTEMPTY, errno.ENOENT):
                    with contextlib.suppress(OSError):
                        os.rmdir(root)
                    raise
        finally:
            os.close(at)
    else:
        raise OSError(errno.EBUSY, "comes and goes", os.path.join(root, key))
    with contextlib.suppress(OSError):
        if _is_dead(channel.read("keeper")):
            channel.replace("keeper", _keeper().line())
    return channel


def _build(at: int, key: str, with_fifos: bool) -> None:
    passing = _passing_name()
    os.mkdir(passing, 0o700, dir_fd=at)
    try:
        channel = _Channel("", passing, _open_directory(passing, at))
        try:
            channel.write("keeper", _keeper().line())
            for name in ("lobby", "pulse") if with_fifos else ():
                os.mkfifo(name, 0o600, dir_fd=channel.fd)
        finally:
            channel.close()
        os.rename(passing, key, src_dir_fd=at, dst_dir_fd=at)
    except BaseException:
        _remove_directory(at, passing)
        raise


def _remove_directory(at: int, name: str) -> None:
    for _ in range(10):
        try:
            fd = _open_directory(name, at)
        except OSError:
            return
        try:
            for entry in os.listdir(fd):
                with contextlib.suppress(OSError):
                    os.unlink(entry, dir_fd=fd)
        finally:
            os.close(fd)
        try:
            os.rmdir(name, dir_fd=at)
            return
        except OSError as error:  # somebody may have put a FIFO into it meanwhile
            if error.errno not in (errno.ENOTEMPTY, errno.EEXIST):
                return


def _remove_channel(root: str, key: str) -> None:
    """Removes ROOT/KEY, and ROOT if nothing else is in it."""
    try:
        at = _open_directory(root)
    except OSError:
        return
    try:
        passing = _passing_name()
        try:
            os.rename(key, passing, src_dir_fd=at, dst_dir_fd=at)  # first: nobody finds half of it
            _remove_directory(at, passing)
        except OSError:
            _remove_directory(at, key)
    finally:
        os.close(at)
    with contextlib.suppress(OSError):
        os.rmdir(root)


# ---- Lines and messages ----


class _ProtocolError(ValueError):
    """What was said is none of what may be said."""


class _Lines:
    """Puts what was read together to lines."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, data: bytes) -> List[str]:
        *whole, self._rest = (self._rest + data).split(b"\n")
        if len(self._rest) >= _LINE or any(len(line) >= _LINE for line in whole):
            self._rest = b""
            raise _ProtocolError("a line that is too long")
        return [line.decode("utf-8", "replace") for line in whole]


class _Message(NamedTuple):
    verb: str
    words: Dict[str, str]

    def text(self, key: str) -> str:
        if key not in self.words:
            raise _ProtocolError(f"{self.verb} without {key}")
        return self.words[key]

    def count(self, key: str) -> int:
        return self._number(key, r"[0-9]{1,15}", 10)

    def hex(self, key: str) -> int:
        return self._number(key, r"[0-9a-fA-F]{1,16}", 16)

    def _number(self, key: str, form: str, base: int) -> int:
        text = self.text(key)
        if re.fullmatch(form, text) is None:
            raise _ProtocolError(f"{key}={text}")
        return int(text, base)


def _parse(line: str) -> _Message:
    verb, *words = line.split(" ")
    if re.fullmatch("[a-z]+", verb) is None:
        raise _ProtocolError(line)
    found: Dict[str, str] = {}
    for word in words:
        match = re.fullmatch(r"([a-z0-9-]+)=((?:[!-$&-~]|%[0-9a-fA-F]{2})*)", word)
        if match is None or match[1] in found:
            raise _ProtocolError(line)
        raw = re.sub(rb"%(..)", lambda code: bytes([int(code[1], 16)]), match[2].encode())
        found[match[1]] = raw.decode("utf-8", "surrogateescape")
    return _Message(verb, found)


def _message(verb: str, **words: object) -> str:
    """A line. Keys of two words have a `_` here."""

    def escaped(value: object) -> str:
        raw = str(value).encode("utf-8", "surrogateescape")
        return "".join(chr(byte) if 0x21 <= byte <= 0x7E and byte != 0x25 else f"%{byte:02X}" for byte in raw)

    return " ".join([verb, *(f"{key.replace('_', '-')}={escaped(value)}" for key, value in words.items())]) + "\n"


class _Plan(NamedTuple):
    generation: int
    file: str
    offset: int
    address: int
    length: int
    abi: int

    @staticmethod
    def of(message: _Message) -> _Plan:
        count, number = message.count, message.hex
        plan = _Plan(
            count("generation"), message.text("file"), number("offset"), number("address"), number("length"), number("abi")
        )
        if message.verb != "plan" or not plan.file.startswith("/") or plan.length == 0 or plan.address + plan.length >= 1 << 64:
            raise _ProtocolError("no plan")
        return plan

    def line(self) -> str:
        return _message(
            "plan",
            generation=self.generation,
            file=self.file,
            offset=f"{self.offset:x}",
            address=f"{self.address:x}",
            length=f"{self.length:x}",
            abi=f"{self.abi:x}",
        )


# ---- Maps: what is occupied, and where all have a hole ----

_Range = Tuple[int, int]  # the end exclusive
_RANGE = re.compile(r"([0-9a-fA-F]{1,16})-([0-9a-fA-F]{1,16})")


def _parse_ranges(line: str) -> List[_Range]:
    """The ranges at the head of a line. None: it is no range line."""
    found: List[_Range] = []
    for word in line.split(" "):
        match = _RANGE.fullmatch(word)
        if match is None:
            break
        start, end = int(match[1], 16), int(match[2], 16)
        if start >= end:
            raise _ProtocolError(line)
        found.append((start, end))
    return found


def _own_ranges() -> List[_Range]:
    with open("/proc/self/maps", encoding="utf-8", errors="replace") as file:
        return _merge(itertools.chain.from_iterable(map(_parse_ranges, file)))


def _merge(ranges: Iterable[_Range]) -> List[_Range]:
    """Sorts the ranges, and makes one of those that touch."""
    merged: List[_Range] = []
    for start, end in sorted(ranges):
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    return merged


def _holes(occupied: List[_Range], start: int, end: int) -> Iterator[_Range]:
    for used_start, used_end in occupied:
        if start < min(used_start, end):
            yield start, min(used_start, end)
        start = max(start, used_end)
    if start < end:
        yield start, end


_ALIGN = 2 << 20
_WINDOWS = ((0x4000_0000_0000, 0x5400_0000_0000), (0x6000_0000_0000, 0x7000_0000_0000))


def _choose(occupied: List[_Range], length: int, top: int, seed: str) -> Optional[int]:
    """An address at which `length` bytes are free in all ranks.

    Where nothing else goes: a program and its heap lie at 0x55.. and 0x56.. or far below, libraries, stacks and new mappings
    above 0x7e.., a JavaScript engine's memory below 0x40... Scattered within that, since others may choose a place there as
    well. Where neither window has room (another architecture): a quarter of the way into the biggest hole.
    """

    def up(address: int) -> int:
        return -(-address // _ALIGN) * _ALIGN

    for window_start, window_end in _WINDOWS:
        fitting = [
            (up(start), (end - up(start) - length) // _ALIGN + 1)
            for start, end in _holes(occupied, window_start, min(window_end, top))
            if up(start) + length <= end
        ]
        places = sum(count for _, count in fitting)
        if places == 0:
            continue
        chosen = _hash(seed) % places
        for start, count in fitting:
            if chosen < count:
                return start + chosen * _ALIGN
            chosen -= count
    start, end = max(_holes(occupied, occupied[0][1], top), key=lambda hole: hole[1] - hole[0], default=(0, 0))
    address = up(start + (end - start) // 4)
    return address if address + length + _ALIGN <= end else None


def _hash(text: str) -> int:
    value = 0xCBF29CE484222325
    for byte in text.encode("utf-8", "surrogateescape"):
        value = (value ^ byte) * 0x100000001B3 & 0xFFFFFFFFFFFFFFFF
    value ^= value >> 32
    return (value * 0x9E3779B97F4A7C15 & 0xFFFFFFFFFFFFFFFF) >> 8


_PROT_NONE, _PROT_READ_WRITE = 0, 3
_MAP_FAILED = ctypes.c_void_p(-1).value
_MAP_PRIVATE_ANONYMOUS_NORESERVE_FIXED_NOREPLACE = 0x02 | 0x20 | 0x4000 | 0x100000


class _Reservation:
    """A range that is kept free. Raises FileExistsError if something is mapped there, OSError if it cannot be had at all."""

    def __init__(self, plan: _Plan) -> None:
        libc = _lib().libc
        flags = _MAP_PRIVATE_ANONYMOUS_NORESERVE_FIXED_NOREPLACE
        got = libc.mmap(plan.address, plan.length, _PROT_NONE, flags, -1, 0)
        if got == _MAP_FAILED:
            number = ctypes.get_errno()
            raise OSError(number, f"its range cannot be mapped: {os.strerror(number)}")
        if got != plan.address:  # a kernel before 4.17, which takes the address for a hint
            libc.munmap(got, plan.length)
            raise FileExistsError(errno.EEXIST, "its range was taken")
        self._range = (plan.address, plan.length)
        self._is_held = True

    def drop(self) -> None:
        if self._is_held:
            _lib().libc.munmap(*self._range)
        self._is_held = False


def _adopt(plan: _Plan, reservation: Optional[_Reservation] = None) -> Topology:
    """Adopts a topology as it is planned, in the place of the reservation. OSError if it could not."""
    fd = _open(plan.file, os.O_RDONLY | os.O_NONBLOCK, stat.S_ISREG)
    try:
        if os.fstat(fd).st_size < plan.offset + plan.length:
            raise OSError(errno.EINVAL, "shorter than planned", plan.file)
        if reservation is not None:
            reservation.drop()
        return _adopt_file(fd, plan)
    finally:
        os.close(fd)


def _adopt_file(fd: int, plan: _Plan) -> Topology:
    pointer = ctypes.c_void_p()
    lib = _lib()
    lib.call("hwloc_shmem_topology_adopt", ctypes.byref(pointer), fd, plan.offset, plan.address, plan.length, 0)
    return Topology(pointer.value or 0)


def _allowed(what: str) -> Optional[str]:
    """What the cgroup of this process allows, "cpus" or "mems", as a list such as `0-3,8`. None if that cannot be told."""
    try:
        with open("/proc/self/cgroup", encoding="utf-8") as file:
            groups = [line.rstrip("\n").split(":", 2) for line in file]
    except OSError:
        return None
    for number, controllers, group in groups:
        if number == "0" and controllers == "":
            form = "/sys/fs/cgroup{}/cpuset.{}.effective"
        elif controllers == "cpuset":
            form = "/sys/fs/cgroup/cpuset{}/cpuset.effective_{}"
        else:
            continue
        # The group itself, or the nearest above it that says.
        while True:
            with contextlib.suppress(OSError):
                with open(form.format(group.rstrip("/"), what), encoding="ascii") as file:
                    text = file.read().strip()
                if text:
                    return text
            if group in ("", "/"):
                break
            group = os.path.dirname(group)
    return None


# ---- The ladder: the leader's XML, else a discovery of one's own ----


class _Got(NamedTuple):
    """What a rank has in the end."""

    topology: Topology
    how: str
    reason: Optional[str] = None
    plan: Optional[_Plan] = None
    did_discover: bool = False


def _take_ladder(place: _Place, reason: Optional[str], xml: Optional[str] = None, is_this_system: bool = False) -> _Got:
    if place.is_strict and reason is not None:
        raise NotSharedError(reason)
    if xml is not None:
        with contextlib.suppress(HwlocError):
            got = _Got(_import(xml, is_this_system), "xml", reason)
            place.say(f"{reason}; using a private copy of the leader's topology")
            return got
    got = _Got(_discover(), "discovered", reason, did_discover=True)
    if reason is not None:
        place.say(f"{reason}; discovered the machine on its own")
    return got


class _Place(NamedTuple):
    """Which rank this is, and what it was told."""

    me: _Identity
    timeout: float
    is_strict: bool

    def say(self, text: str) -> None:
        """One line on stderr: who, what, why."""
        with contextlib.suppress(OSError):
            os.write(2, f"hwloc-share: node {self.me.node}, rank {self.me.rank}: {text}\n".encode())


# ---- A member ----


class _Alone:
    """The conversation of a rank that has none: it was late, or nobody is there."""

    def barrier(self) -> bool:
        return False

    def close(self) -> None:
        pass


class _NoLeader(Exception):
    """There is none (any more), or it says nothing that can be understood. The text says which."""


class _Member:
    """A rank that is led: its pair of pipes, and what it says."""

    def __init__(self, place: _Place, channel: _Channel) -> None:
        self._place, self._channel = place, channel
        self._up: Optional[int] = None
        self._down: Optional[int] = None
        self._lobby: Optional[int] = None
        self._lines = _Lines()
        self._outgoing = bytearray()
        self._reservation: Optional[_Reservation] = None
        self._plan: Optional[_Plan] = None
        self._reason: Optional[str] = None
        self._barriers = 0

    def join(self) -> _Got:
        if self._channel.has("plan"):
            return self._join_late("the others have gone on")
        try:
            self._announce()
            return self._converse()
        except _NoLeader as trouble:
            self.close()
            return self._join_late(str(trouble))
        except (OSError, _ProtocolError) as trouble:
            self.close()
            confused = isinstance(trouble, _ProtocolError)
            return _take_ladder(self._place, f"the leader cannot be understood: {trouble}" if confused else str(trouble))
        except BaseException:
            self.close()
            raise
        finally:
            self._drop_reservation()
            _close(self._lobby)
            self._lobby = None

    def barrier(self) -> bool:
        if self._down is None:
            return False
        self._barriers += 1
        self._say("barrier", number=self._barriers)
        try:
            while True:
                for message in self._hear(None):
                    if message.verb == "open" and message.count("number") == self._barriers:
                        return True
        except (_NoLeader, _ProtocolError):
            self._place.say("the leader has gone; it passes its barriers without the others")
            self.close()
            return False

    def close(self) -> None:
        _close(self._up, self._down)
        self._up = self._down = None

    def _announce(self) -> None:
        me, channel = self._place.me, self._channel
        allowed = {name: text for name in ("cpus", "mems") for text in [_allowed(name)] if text is not None}
        self._say("hello", hwloc_share=_VERSION, rank=me.rank, local=me.local_rank, abi=f"{_own_abi():x}", **allowed)
        self._say_ranges()
        pipe = f"{me.local_rank}-{os.getpid()}"
        for end in ("up", "down"):
            os.mkfifo(f"{pipe}.{end}", 0o600, dir_fd=channel.fd)
        self._down = channel.fifo(f"{pipe}.down", os.O_RDONLY)
        self._up = channel.fifo(f"{pipe}.up", os.O_RDWR)
        self._flush()
        self._lobby = channel.fifo("lobby", os.O_RDWR)
        line = _message("announce", hwloc_share=_VERSION, rank=me.rank, local=me.local_rank, pipe=pipe)
        os.write(self._lobby, line.encode())

    def _converse(self) -> _Got:
        timeout = self._place.timeout
        deadline, is_heard = time.monotonic() + timeout, False
        while True:
            for message in self._hear(deadline if is_heard else min(deadline, time.monotonic() + _LOOK)):
                is_heard, deadline = True, time.monotonic() + timeout
                got = self._answer(message)
                if got is not None:
                    return got
            if time.monotonic() >= deadline:
                silence = "was silent for" if is_heard else "did not come within"
                raise TimeoutError(f"the leader {silence} {timeout:g} s (HWLOC_SHARE_TIMEOUT)")
            if not is_heard:
                self._look_for_leader()

    def _look_for_leader(self) -> None:
        """Raises _NoLeader where there is no use in waiting for one."""
        if self._channel.has("plan"):
            raise _NoLeader("the others have gone on")
        try:
            there = os.lstat(self._channel.path("lobby"))
        except OSError:
            raise _NoLeader("the leader has left the job") from None
        if self._lobby is None or not os.path.samestat(there, os.fstat(self._lobby)):
            raise _NoLeader("the leader has left the job")
        if not self._channel.has("leader"):
            return
        try:
            os.close(self._channel.fifo("pulse", os.O_WRONLY))
        except OSError as error:
            if error.errno == errno.ENXIO:
                raise _NoLeader("the leader has gone") from None

    def _answer(self, message: _Message) -> Optional[_Got]:
        if message.verb == "wait":
            return None
        if message.verb == "plan":
            self._drop_reservation()
            self._answer_plan(_Plan.of(message))
            return None
        if message.verb == "release":
            plan = self._plan
            if plan is None or self._reservation is None or message.count("generation") != plan.generation:
                raise _ProtocolError("a release of no plan")
            try:
                topology = _adopt(plan, self._reservation)
            except OSError as error:
                self._reason = str(error)
                self._say("failed", reason=self._reason)
                return None
            self._say("done", how="adopted")
            return _Got(topology, "adopted", plan=plan)
        if message.verb == "ladder":
            self._drop_reservation()
            reason = self._reason or message.words.get("reason") or "the leader says so"
            xml, is_this_system = message.words.get("xml"), message.words.get("thissystem") == "1"
            got = _take_ladder(self._place, reason, xml, is_this_system)
            self._say("done", how=got.how)
            return got
        raise _ProtocolError(message.verb)

    def _answer_plan(self, plan: _Plan) -> None:
        self._plan, self._reason = plan, None
        abi = _own_abi()
        try:
            if plan.abi != abi:
                raise OSError(0, f"libhwloc's ABI is {abi:x} here, and {plan.abi:x} in the leader")
            self._reservation = _Reservation(plan)
        except FileExistsError as error:
            self._reason = error.strerror
            self._say("busy", generation=plan.generation)
            self._say_ranges()
        except OSError as error:
            self._reason = error.strerror
            self._say("declined", reason=self._reason)
        else:
            self._say("reserved", generation=plan.generation)

    def _join_late(self, why: str) -> _Got:
        try:
            plan = _Plan.of(_parse(self._channel.read("plan").rstrip("\n")))
        except (OSError, _ProtocolError):
            return _take_ladder(self._place, why)
        abi = _own_abi()
        if plan.abi != abi:
            return _take_ladder(self._place, f"libhwloc's ABI is {abi:x} here, and {plan.abi:x} in the leader")
        try:
            return _Got(_adopt(plan), "adopted", plan=plan)
        except OSError as error:
            return _take_ladder(self._place, str(error))

    def _drop_reservation(self) -> None:
        if self._reservation is not None:
            self._reservation.drop()
        self._reservation = None

    def _say(self, verb: str, **words: object) -> None:
        self._outgoing += _message(verb, **words).encode()
        self._flush()

    def _say_ranges(self) -> None:
        ranges = [f"{start:x}-{end:x}" for start, end in _own_ranges()]
        for i in range(0, len(ranges), 16):
            self._outgoing += (" ".join(ranges[i : i + 16]) + "\n").encode()
        self._outgoing += b"end\n"
        self._flush()

    def _flush(self) -> None:
        """Writes as much as the leader's end takes now."""
        while self._outgoing and self._up is not None:
            try:
                del self._outgoing[: os.write(self._up, self._outgoing)]
            except BlockingIOError:
                return

    def _hear(self, until: Optional[float]) -> List[_Message]:
        """What the leader says, as soon as it says something; nothing if it does not until then."""
        if self._down is None:
            raise _NoLeader("the leader has gone")
        # poll, and not just read: before the leader has opened its end, a read would say EOF.
        poll = select.poll()
        poll.register(self._down, select.POLLIN)
        if self._outgoing and self._up is not None:
            poll.register(self._up, select.POLLOUT)
        ready = poll.poll(_milliseconds(until))
        self._flush()
        if not any(fd == self._down for fd, _ in ready):
            return []
        try:
            data = os.read(self._down, 65536)
        except BlockingIOError:
            return []
        if data == b"":
            raise _NoLeader("the leader has gone")
        return [_parse(line) for line in self._lines.feed(data)]


def _milliseconds(until: Optional[float]) -> Optional[int]:
    return None if until is None else max(0, int((until - time.monotonic()) * 1000) + 1)


# ---- The leader ----


class _Peer:
    """A member, as its leader sees it. `expects` is what must come from it next."""

    def __init__(self, local: int, up: int, down: int) -> None:
        self.local = local
        self.up: Optional[int] = up
        self.down: Optional[int] = down
        self.lines = _Lines()
        self.stage = "hello"
        self.ranges: List[_Range] = []
        self.fresh: List[_Range] = []
        self.allowed: Dict[str, str] = {}
        self.barriers = 0
        self.is_dropped = False  # gone, but it may come back as a late joiner

    def let_go(self, is_dropped: bool = False) -> None:
        _close(self.up, self.down)
        self.up = self.down = None
        self.stage, self.is_dropped = "gone", is_dropped

    def tell(self, line: str, stage: Optional[str] = None) -> None:
        """Says something, whole or not at all. A member that takes nothing any more is let go."""
        if self.down is None:
            return
        data = line.encode()
        try:
            if len(data) > select.PIPE_BUF or os.write(self.down, data) != len(data):
                raise BlockingIOError
        except OSError:
            self.let_go(is_dropped=True)
            return
        if stage is not None:
            self.stage = stage

    def hear(self, line: str, generation: int) -> None:
        """Takes up one line. _ProtocolError if it is none that may come now."""
        if self.stage in ("ranges", "fresh ranges"):
            self._hear_range(line)
            return
        message = _parse(line)
        verb = message.verb
        if self.stage == "hello" and verb == "hello":
            if message.count("hwloc-share") != _VERSION or message.count("local") != self.local:
                raise _ProtocolError(line)
            message.hex("abi")
            self.allowed = {key: message.words[key] for key in ("cpus", "mems") if key in message.words}
            self.stage = "ranges"
        elif self.stage == "planned" and verb == "declined":
            self.stage = "declined"
        elif self.stage == "planned" and verb in ("reserved", "busy") and message.count("generation") == generation:
            self.stage = "reserved" if verb == "reserved" else "fresh ranges"
        elif self.stage == "released" and verb == "failed":
            self.stage = "declined"
        elif self.stage in ("released", "ladder") and verb == "done":
            self.stage = "done"
        elif self.stage == "done" and verb == "barrier" and message.count("number") == self.barriers + 1:
            self.barriers += 1
        else:
            raise _ProtocolError(line)

    def _hear_range(self, line: str) -> None:
        if line == "end":
            self.ranges, self.fresh = _merge(self.fresh), []
            self.stage = "ready" if self.stage == "ranges" else "busy"
            return
        found = _parse_ranges(line)
        self.fresh += found
        if not found or len(self.fresh) > _MOST_RANGES:
            raise _ProtocolError(line)


class _Discovery:
    """A discovery in a thread of its own: it may take long, and members must hear from their leader meanwhile."""

    def __init__(self, flags: int = 0) -> None:
        self._topology: Optional[Topology] = None
        self._error: Optional[Exception] = None
        self.done, self._end = os.pipe2(os.O_CLOEXEC)
        self._thread = threading.Thread(target=self._run, args=(flags,), daemon=True)
        self._thread.start()

    def _run(self, flags: int) -> None:
        try:
            self._topology = _discover(flags)
        except Exception as error:
            self._error = error
        finally:
            os.close(self._end)

    @property
    def is_over(self) -> bool:
        return not self._thread.is_alive()

    def result(self) -> Topology:
        self._thread.join()
        os.close(self.done)
        if self._topology is None:
            raise self._error or HwlocError(0, "no topology")
        return self._topology


class _Leader:
    """Local rank 0: it discovers, gathers, chooses, writes, and opens the barriers."""

    def __init__(self, place: _Place, channel: _Channel) -> None:
        self._place, self._channel = place, channel
        self._pid = os.getpid()
        self._owns_channel = False
        self._lobby: Optional[int] = None
        self._pulse: Optional[int] = None
        self._lobby_lines = _Lines()
        self._nonsense = 0
        self._peers: List[_Peer] = []
        self._dead: Set[int] = set()  # local ranks that ended before they announced themselves
        self._suspects: Dict[int, int] = {}
        self._away: List[str] = []  # pipes of members for which no descriptors were left
        self._generation = 0
        self._reservation: Optional[_Reservation] = None
        self._store_root: Optional[str] = None  # where the topology's file is, if not in the channel
        self._barriers = 0

    # -- from the outside

    def join(self) -> _Got:
        try:
            self._take_the_lead()
        except OSError as error:
            self.close()
            known = isinstance(error, FileExistsError)
            reason = "this rank has joined before, or its parent process has" if known else str(error)
            return _take_ladder(self._place, reason)
        atexit.register(self._remove_what_is_ours)
        try:
            return self._lead()
        except BaseException:
            self.close()
            raise
        finally:
            # From now on who comes late finds a plan, or nobody.
            _close(self._pulse)
            self._pulse = None
            self._drop_reservation()
            if not self._may_come():
                self._remove_what_is_ours()

    def barrier(self) -> bool:
        self._barriers += 1
        while any(peer.stage == "done" and peer.barriers < self._barriers for peer in self._peers):
            self._serve(None)
        for peer in self._in("done"):
            peer.tell(_message("open", number=self._barriers))
        return True

    def close(self) -> None:
        for peer in self._peers:
            peer.let_go()
        _close(self._lobby, self._pulse)
        self._lobby = self._pulse = None
        self._drop_reservation()
        self._remove_what_is_ours()

    # -- the steps

    def _take_the_lead(self) -> None:
        self._pulse = self._channel.fifo("pulse", os.O_RDWR)
        self._channel.write("leader", _self().line())
        self._owns_channel = True
        self._lobby = self._channel.fifo("lobby", os.O_RDWR)

    def _lead(self) -> _Got:
        try:
            topology = self._discover_and_gather()
        except HwlocError as error:
            self._offer_ladder(str(error), None, "ready")
            self._serve_until_none("ladder")
            raise
        try:
            plan = self._plan_all(topology)
        except OSError as error:
            reason = error.strerror or str(error)
            self._offer_ladder(reason, topology, "ready", "reserved", "busy", "declined")
            self._serve_until_none("ladder")
            return self._keep(topology, reason)
        adopted: Optional[Topology] = None
        reason = ""
        for peer in self._in("reserved"):
            peer.tell(_message("release", generation=plan.generation), "released")
        self._offer_ladder("its range was taken in each of the plans", topology, "busy")
        self._offer_ladder("it cannot adopt", topology, "declined")
        try:
            adopted = _adopt(plan, self._reservation)
        except OSError as error:
            reason = str(error)
        self._serve_until_none("released")
        self._offer_ladder("it could not adopt", topology, "declined")
        self._serve_until_none("ladder")
        if self._may_come():
            self._publish(plan)
        if adopted is None:
            return self._keep(topology, reason)
        topology._destroy()
        return _Got(adopted, "adopted", plan=plan, did_discover=True)

    def _keep(self, topology: Topology, reason: str) -> _Got:
        if self._place.is_strict:
            topology._destroy()
            raise NotSharedError(reason)
        self._place.say(f"{reason}; discovered the machine on its own")
        return _Got(topology, "discovered", reason, did_discover=True)

    def _discover_and_gather(self) -> Topology:
        spare = [os.dup(self._lobby) for _ in range(_SPARE) if self._lobby is not None]
        try:
            discovery = _Discovery()
            self._gather(discovery)
            topology = discovery.result()
            own = {"cpus": _allowed("cpus"), "mems": _allowed("mems")}
            if all(own[key] == text for peer in self._peers for key, text in peer.allowed.items()):
                return topology
            # Once more, with what the leader's cgroup does not allow, but a member's may.
            topology._destroy()
            discovery = _Discovery(_FLAG_INCLUDE_DISALLOWED)
            while not discovery.is_over:
                self._tell_to_wait()
                self._serve(time.monotonic() + self._wait_every, discovery)
            return discovery.result()
        finally:
            _close(*spare)

    def _gather(self, discovery: _Discovery) -> None:
        """Until all members are here or the timeout is over, and the topology is loaded."""
        timeout = self._place.timeout
        start = time.monotonic()
        next_wait, next_look = start + self._wait_every, start + _LOOK
        while True:
            now, is_waiting = time.monotonic(), bool(self._missing())
            is_over = not is_waiting or now >= start + timeout
            if is_over and discovery.is_over:
                break
            ends = [next_wait, next_look] + ([] if is_over else [start + timeout])
            self._serve(min(ends), None if discovery.is_over else discovery)
            if time.monotonic() >= next_wait:
                self._tell_to_wait()
                next_wait = time.monotonic() + self._wait_every
            if time.monotonic() >= next_look:
                self._look_for_dead()
                next_look = time.monotonic() + _LOOK
        missing = self._missing()
        if missing:
            names = ", ".join(map(str, missing))
            self._place.say(
                f"local ranks {names} did not join within {timeout:g} s; going on without them (HWLOC_SHARE_TIMEOUT)"
            )
        for peer in self._in("hello", "ranges"):
            peer.let_go(is_dropped=True)
        _close(self._lobby)
        self._lobby = None

    def _plan_all(self, topology: Topology) -> _Plan:
        """Plans until all have reserved, or are on the ladder. OSError if that cannot be."""
        lib, length = _lib(), ctypes.c_size_t()
        lib.call("hwloc_shmem_topology_get_length", topology, ctypes.byref(length), 0)
        for generation in range(1, _PLANS + 1):
            self._generation = generation
            self._drop_reservation()
            address = self._address(length.value)
            fd, file = self._make_store(f"topology.{generation}", length.value)
            plan = _Plan(generation, file, 0, address, length.value, topology.abi)
            try:
                for peer in self._in("ready", "reserved", "busy"):
                    peer.tell(plan.line(), "planned")
                try:
                    is_written = self._write(topology, fd, plan)
                finally:
                    self._serve_until_none("planned", "fresh ranges")
            except BaseException:
                os.unlink(file)
                raise
            finally:
                os.close(fd)
            if is_written and (generation == _PLANS or not self._in("busy")):
                return plan
            os.unlink(file)
        raise OSError(errno.EBUSY, "its range was taken in each of the plans")

    def _write(self, topology: Topology, fd: int, plan: _Plan) -> bool:
        """Writes, seals and reserves. False if something is mapped in the range."""
        lib = _lib()
        try:
            lib.call("hwloc_shmem_topology_write", topology, fd, plan.offset, plan.address, plan.length, 0)
            if lib.refresh is not None:
                # The seal: without it, a query of memory attributes writes to the read-only pages of whoever asks (2.3 to 2.14).
                adopted = _adopt_file(fd, plan)
                try:
                    if lib.libc.mprotect(plan.address, plan.length, _PROT_READ_WRITE) == -1 or lib.refresh(adopted) == -1:
                        number = ctypes.get_errno()
                        raise HwlocError(number, f"sealing the topology: {os.strerror(number)}")
                finally:
                    adopted._destroy()
            self._reservation = _Reservation(plan)
            return True
        except OSError as error:
            if error.errno in (errno.EBUSY, errno.EEXIST):
                return False
            raise

    def _address(self, length: int) -> int:
        asked = re.fullmatch(r"0x([0-9a-fA-F]{1,16})", os.environ.get("HWLOC_SHARE_HOLE", ""))
        if asked is not None:
            return int(asked[1], 16)
        own = _own_ranges()
        top = max(end for _, end in own if end < 1 << 63)
        occupied = _merge(itertools.chain(own, *(peer.ranges for peer in self._peers)))
        address = _choose(occupied, length, top, f"{self._channel.key} {self._generation}")
        if address is None:
            raise OSError(errno.ENOMEM, "no range is free in all ranks")
        return address

    def _make_store(self, name: str, length: int) -> Tuple[int, str]:
        """A file with all its room: in the channel, else in a directory of the same name in another ROOT."""
        trouble: Optional[OSError] = None
        here, key = self._channel.root, self._channel.key
        for root in [here, *(root for root in _roots() if root != here)]:
            channel: Optional[_Channel] = None
            try:
                channel = self._channel if root == here else _enter(root, key, with_fifos=False)
                flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
                fd = os.open(name, flags, 0o600, dir_fd=channel.fd)
                try:
                    os.posix_fallocate(fd, 0, length)
                except OSError:
                    os.close(fd)
                    channel.unlink(name)
                    raise
                if root != here:
                    self._store_root = root
                return fd, channel.path(name)
            except OSError as error:
                trouble = trouble or error
                if root != here:
                    _remove_channel(root, key)
            finally:
                if channel is not None and channel is not self._channel:
                    channel.close()
        number = (trouble.errno if trouble is not None else None) or errno.ENOSPC
        raise OSError(number, f"no room for the topology: {os.strerror(number)}")

    def _offer_ladder(self, reason: str, topology: Optional[Topology], *stages: str) -> None:
        peers = self._in(*stages)
        if not peers:
            return
        words: Dict[str, object] = {"reason": reason}
        if topology is not None:
            with contextlib.suppress(OSError):
                if not self._channel.has("topology.xml"):
                    self._channel.write("topology.xml", topology.xml())
                words.update(xml=self._channel.path("topology.xml"), thissystem=int(topology.is_this_system))
        for peer in peers:
            peer.tell(_message("ladder", **words), "ladder")

    def _publish(self, plan: _Plan) -> None:
        with contextlib.suppress(OSError):
            self._channel.replace("plan", plan.line())
        for pipe in self._away:
            with contextlib.suppress(OSError):
                os.close(self._channel.fifo(f"{pipe}.down", os.O_WRONLY))
            self._unlink_pair(pipe)

    # -- what comes in

    @property
    def _wait_every(self) -> float:
        return min(1.0, self._place.timeout / 4)

    def _in(self, *stages: str) -> List[_Peer]:
        return [peer for peer in self._peers if peer.stage in stages]

    def _missing(self) -> List[int]:
        """The local ranks that did not come yet."""
        here = {peer.local for peer in self._peers if peer.stage not in ("hello", "ranges")}
        return [local for local in range(1, self._place.me.local_size) if local not in here | self._dead]

    def _may_come(self) -> bool:
        """Whether a rank may still come that has no topology of this channel yet."""
        known = {peer.local for peer in self._peers if not peer.is_dropped} | self._dead
        return bool(self._away) or any(local not in known for local in range(1, self._place.me.local_size))

    def _tell_to_wait(self) -> None:
        line = _message("wait", missing=",".join(map(str, self._missing()[:500])))
        for peer in self._peers:
            peer.tell(line)

    def _serve_until_none(self, *stages: str) -> None:
        """Serves until no member is in one of these stages. Those that are silent for too long are dropped."""
        timeout = self._place.timeout
        deadline = time.monotonic() + timeout
        while self._in(*stages) and time.monotonic() < deadline:
            until = min(deadline, time.monotonic() + self._wait_every)
            self._serve(until)
            if time.monotonic() >= until:
                self._tell_to_wait()
        for peer in self._in(*stages):
            self._place.say(
                f"local rank {peer.local} did not answer within {timeout:g} s; going on without it (HWLOC_SHARE_TIMEOUT)"
            )
            peer.let_go(is_dropped=True)

    def _serve(self, until: Optional[float], discovery: Optional[_Discovery] = None) -> None:
        """Waits until something comes, but no longer than until then; and takes it up."""
        poll = select.poll()
        peers = {peer.up: peer for peer in self._peers if peer.up is not None}
        for fd in [*peers, self._lobby, discovery.done if discovery is not None else None]:
            if fd is not None:
                poll.register(fd, select.POLLIN)
        for fd, _ in poll.poll(_milliseconds(until)):
            if fd in peers:
                self._read_peer(peers[fd])
            elif fd == self._lobby:
                self._read_lobby()

    def _read_peer(self, peer: _Peer) -> None:
        if peer.up is None:
            return
        try:
            data = os.read(peer.up, 65536)
        except BlockingIOError:
            return
        if data == b"":
            peer.let_go()
            return
        try:
            for line in peer.lines.feed(data):
                peer.hear(line, self._generation)
        except _ProtocolError as error:
            self._place.say(f"going on without local rank {peer.local}, which cannot be understood: {str(error)[:120]}")
            peer.let_go()

    def _read_lobby(self) -> None:
        if self._lobby is None:
            return
        try:
            lines = self._lobby_lines.feed(os.read(self._lobby, 65536))
        except BlockingIOError:
            return
        except _ProtocolError:
            lines = [""]
        for line in lines:
            self._admit(line)
        if self._nonsense > 1000:
            self._place.say("nonsense is written into the lobby; nobody listens there any more")
            _close(self._lobby)
            self._lobby = None

    def _admit(self, line: str) -> None:
        """Takes up an announcement."""
        try:
            message = _parse(line)
            pipe = message.text("pipe")
            version, rank, local = (message.count(key) for key in ("hwloc-share", "rank", "local"))
            if message.verb != "announce" or re.fullmatch(r"[A-Za-z0-9_-]{1,64}", pipe) is None:
                raise _ProtocolError(line)
        except _ProtocolError:
            self._nonsense += 1
            if self._nonsense <= 10:
                self._place.say(f"an announcement was not understood: {line[:150]}")
            return
        me = self._place.me
        down: Optional[int] = None
        try:
            down = self._open_down(f"{pipe}.down")
            peer = _Peer(local, self._channel.fifo(f"{pipe}.up", os.O_RDONLY), down)
        except OSError as error:
            _close(down)
            if error.errno in (errno.EMFILE, errno.ENFILE):
                self._away.append(pipe)
            else:
                self._unlink_pair(pipe)
                self._dead.add(local)
            return
        self._unlink_pair(pipe)
        why = None
        if version != _VERSION:
            why = f"it speaks version {version} of the protocol, and the leader {_VERSION}"
        elif not 1 <= local < me.local_size or rank >= me.size:
            why = f"local rank {local} is none of the ranks 1 to {me.local_size - 1}"
        elif any(other.local == local for other in self._peers):
            why = f"local rank {local} is here already"
        if why is not None:
            peer.tell(_message("ladder", reason=why))
            peer.let_go()
            return
        self._peers.append(peer)
        # The member had it open when it announced itself: where nobody has, it has died meanwhile, of which poll would not tell.
        self._read_peer(peer)

    def _open_down(self, name: str) -> int:
        probe = self._channel.fifo(name, os.O_WRONLY)  # ENXIO if the member is dead
        try:
            # Once more for both: then writing to a member that has died meanwhile gives no SIGPIPE.
            return self._channel.fifo(name, os.O_RDWR)
        finally:
            os.close(probe)

    def _look_for_dead(self) -> None:
        """Looks for pipes that nobody holds any more: their makers died, or gave up, before they announced themselves."""
        here = {peer.local for peer in self._peers} | self._dead
        if self._channel.fd is None:
            return
        for name in os.listdir(self._channel.fd):
            match = re.fullmatch(r"(\d+)-.*\.up", name)
            local = int(match[1]) if match is not None else 0
            if not 1 <= local < self._place.me.local_size or local in here:
                continue
            try:
                # The pipe that the member writes into: to open and close the other one would tell it that its leader has gone.
                os.close(self._channel.fifo(name, os.O_WRONLY))
                self._suspects[local] = 0
            except OSError as error:
                if error.errno == errno.ENXIO:
                    self._suspects[local] = self._suspects.get(local, 0) + 1
            if self._suspects.get(local, 0) > 2:  # looked at thrice: it was not just about to open it
                self._dead.add(local)
                self._place.say(f"local rank {local} ended, or gave up, before joining; going on without it")

    # -- what goes

    def _unlink_pair(self, pipe: str) -> None:
        for end in ("up", "down"):
            self._channel.unlink(f"{pipe}.{end}")

    def _drop_reservation(self) -> None:
        if self._reservation is not None:
            self._reservation.drop()
        self._reservation = None

    def _remove_what_is_ours(self) -> None:
        if not self._owns_channel or self._pid != os.getpid():
            return
        self._owns_channel = False
        atexit.unregister(self._remove_what_is_ours)
        _remove_channel(self._channel.root, self._channel.key)
        if self._store_root is not None:
            _remove_channel(self._store_root, self._channel.key)


# ---- The session ----

_Conversation = Union[_Alone, _Leader, _Member]


class Session:
    """What a rank got. A context manager: leaving it closes it."""

    def __init__(self, place: _Place, got: _Got, conversation: _Conversation) -> None:
        me = place.me
        #: The number of this process in the job, and the count of all; 0 and 1 where no launcher is known.
        self.rank, self.size = me.rank, me.size
        #: The same on this node. Local rank 0 is the leader: it discovers, the others adopt.
        self.local_rank, self.local_size = me.local_rank, me.local_size
        #: The name of this node.
        self.node = me.node
        self.topology = got.topology
        #: "adopted" (shared), "xml" (a copy from the leader's XML) or "discovered" (on its own).
        self.how = got.how
        #: Why it is not "adopted"; None if it is, or if nobody is there to share with.
        self.reason = got.reason
        #: Where the topology is mapped, and how many bytes; None and 0 where it is not "adopted".
        self.address = got.plan.address if got.plan is not None else None
        self.length = got.plan.length if got.plan is not None else 0
        #: Whether this process discovered the machine itself.
        self.did_discover = got.did_discover
        self._conversation = conversation
        self._joins = 1

    def barrier(self) -> bool:
        """Waits until all ranks of this node that share are here. A rank that dies is not waited for; there is no timeout.

        Returns False where nobody was waited for: the leader has gone, or this rank was late. Raises ValueError after close().
        """
        self.topology.pointer  # raises if it is closed
        return self._conversation.barrier()

    def close(self) -> None:
        """Destroys the topology, and removes what this process made on the node. Waits for nobody: the others keep theirs."""
        global _session
        self._joins = max(0, self._joins - 1)
        if self._joins > 0:
            return
        if _session is self:
            _session = None
        self._conversation.close()
        self.topology._destroy()

    def __enter__(self) -> Session:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


_session: Optional[Session] = None


def join(timeout: Optional[float] = None, strict: Optional[bool] = None) -> Session:
    """Joins the other ranks of this node, and gets the topology that they share.

    To be called by every rank of the job, by one thread at a time. Blocks until the other ranks of the node are there, or the
    timeout (seconds; HWLOC_SHARE_TIMEOUT, else 30) is over. Whatever goes wrong, the rank gets a correct topology, if need be one
    of its own, and one line on stderr says why; with `strict` (HWLOC_SHARE_STRICT) it is a NotSharedError instead. HwlocError:
    libhwloc is not there, or cannot discover this machine.

    A second call in the same process gets the same session, which each has to close.
    """
    global _session
    if _session is not None:  # a mapping can be adopted only once in a process
        _session._joins += 1
        return _session
    me = _identify()
    if timeout is None:
        with contextlib.suppress(ValueError):
            timeout = float(os.environ.get("HWLOC_SHARE_TIMEOUT", ""))
    if timeout is None or not 0 < timeout < 1e6:
        timeout = 30.0
    place = _Place(me, timeout, _is_set("HWLOC_SHARE_STRICT") if strict is None else strict)
    conversation: _Conversation = _Alone()
    if me.step is None or me.local_size == 1:
        got = _take_ladder(place, None)  # nobody to share with, and nothing to say about it
    else:
        channel = _find_channel(place, me.step)
        if channel is None:
            got = _take_ladder(place, "no directory for a channel (HWLOC_SHARE_DIR, /dev/shm, XDG_RUNTIME_DIR, TMPDIR)")
        else:
            rank = _Leader(place, channel) if me.local_rank == 0 else _Member(place, channel)
            got = rank.join()
            conversation = rank
            channel.close()
    _session = Session(place, got, conversation)
    if _is_set("HWLOC_SHARE_VERBOSE"):
        what = "adopted the topology" if got.how == "adopted" else "has a private topology"
        place.say(what + (", which it discovered" if got.did_discover else ""))
    return _session


def _is_set(name: str) -> bool:
    return os.environ.get(name, "") not in ("", "0")


def _find_channel(place: _Place, step: str) -> Optional[_Channel]:
    job = os.environ.get("HWLOC_SHARE_JOB")
    key = _directory_name(step if job is None else f"{job}.{step}")
    for root in _roots():
        try:
            return _enter(root, key)
        except OSError as error:
            if error.errno in (errno.EPERM, errno.ELOOP, errno.ENOTDIR):
                place.say(f"{error.filename or root}: {error.strerror}; refused")
    return None
