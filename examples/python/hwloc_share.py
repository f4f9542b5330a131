"""One hwloc topology for all ranks of a node: a rank in Python, by the pipe protocol of hwloc-share (docs/protocol.md).

This file is all there is: it needs libhwloc (2.0 or later), and of Python (3.9 or later) the standard library. Linux only.

    import hwloc_share

    with hwloc_share.join() as session:
        print(session.topology.count("Core"), session.how)
        session.barrier()

Ranks in Python share with the ranks in other languages of the same job. Any of them may be the leader.
"""

from __future__ import annotations

import atexit
import contextlib
import ctypes
import ctypes.util
import errno
import functools
import itertools
import os
import re
import resource
import select
import socket
import stat
import threading
import time
from typing import Callable, Dict, Iterable, Iterator, List, Mapping, NamedTuple, Optional, Sequence, Set, Tuple, Union

__all__ = ["HwlocError", "NotSharedError", "Session", "Topology", "join"]

_VERSION = 1
_LINE = 8192  # bytes of the longest line, its newline included
_MOST_RANGES = 65536  # of one member
_PLANS = 5  # after so many, whoever still finds its range taken goes without
_LOOK = 0.25  # seconds between two looks at what no pipe tells
_LOOKS = 2  # so many looks say that a rank is not there: one may fall between a fork and an exec
_PATIENT_LOOKS = 8  # so many say that one which lives does not open the pipes that it has made
_SPARE_FILES = 64  # a discovery that runs out of descriptors finds less than there is, and does not say so
_USER_SPACE = (0x1_0000, 0x7FFF_FFFF_F000)  # where addresses may be


class HwlocError(OSError):
    """libhwloc is not there, or one of its functions failed; `errno` is what it said, 0 if it said nothing."""


class NotSharedError(RuntimeError):
    """The topology could not be shared, and `strict` rules out a private copy."""


def _setting(name: str) -> Optional[str]:
    """A setting; None if it is not set, or empty."""
    # To other nodes, Open MPI passes the wrapper's variables on with OMPI_ in front.
    return os.environ.get(name, os.environ.get(f"OMPI_{name}")) or None


def _is_on(name: str) -> bool:
    return (_setting(name) or "no").lower() not in ("0", "no", "false", "off")


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
            "hwloc_get_api_version": (unsigned, []),
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
    names = [_setting("HWLOC_SHARE_LIBHWLOC"), "libhwloc.so.15", "libhwloc.so.12", "libhwloc.so"]
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
_FILTER_KEEP_ALL, _FILTER_KEEP_NONE, _FILTER_KEEP_IMPORTANT = 0, 1, 3
_EXPORT_XML_V2 = 2  # hwloc 3 only; hwloc 2 writes nothing else


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
        """The ABI word: 0x20400 for hwloc 2.4 to 2.15."""
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
        """The topology as XML that hwloc 2 and 3 can read. See hwloc_topology_export_xmlbuffer()."""
        lib, buffer, length = _lib(), ctypes.c_void_p(), ctypes.c_int()
        flags = _EXPORT_XML_V2 if lib.hwloc.hwloc_get_api_version() >= 0x30000 else 0
        lib.call("hwloc_topology_export_xmlbuffer", self, ctypes.byref(buffer), ctypes.byref(length), flags)
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
    """Discovers the machine, or what hwloc's environment variables name instead."""

    def configure(lib: _Libraries, topology: Topology) -> None:
        io = {"all": _FILTER_KEEP_ALL, "none": _FILTER_KEEP_NONE}.get(_setting("HWLOC_SHARE_IO") or "")
        lib.call("hwloc_topology_set_io_types_filter", topology, _FILTER_KEEP_IMPORTANT if io is None else io)
        lib.call("hwloc_topology_set_flags", topology, flags)

    return _load_topology(configure)


def _import(file: str, is_this_system: bool) -> Topology:
    """Loads the leader's XML, with all that the leader kept."""
    os.close(_open(file, os.O_RDONLY | os.O_NONBLOCK, stat.S_ISREG))

    def configure(lib: _Libraries, topology: Topology) -> None:
        lib.call("hwloc_topology_set_all_types_filter", topology, _FILTER_KEEP_ALL)
        flags = _FLAG_INCLUDE_DISALLOWED | (_FLAG_IS_THISSYSTEM if is_this_system else 0)
        lib.call("hwloc_topology_set_flags", topology, flags)
        lib.call("hwloc_topology_set_xml", topology, os.fsencode(file))

    return _load_topology(configure)


@functools.lru_cache(maxsize=None)
def _own_abi() -> int:
    """The ABI word of the libhwloc of this process: the beginning of every topology."""
    lib, pointer = _lib(), ctypes.c_void_p()
    lib.call("hwloc_topology_init", ctypes.byref(pointer))
    topology = Topology(pointer.value or 0)
    try:
        return topology.abi
    finally:
        topology._destroy()


# ---- Processes ----


class _Process(NamedTuple):
    """A process: its pid, and when it started, since pids are used again."""

    pid: int
    start: int
    parent: int
    command: str
    is_dead: bool

    def line(self) -> str:
        """The line of a `keeper` or `leader` file."""
        return f"pid={self.pid} start={self.start} namespace={_namespace()}\n"


def _process(pid: int) -> Optional[_Process]:
    try:
        with open(f"/proc/{pid}/stat", encoding="latin-1") as file:
            head, _, tail = file.read().rpartition(")")
        # The command stands in parentheses, and may hold any character, parentheses and spaces included.
        fields = tail.split()
        return _Process(pid, int(fields[19]), int(fields[1]), head.partition("(")[2], fields[0] in "ZX")
    except (OSError, ValueError, IndexError):
        return None


def _self() -> _Process:
    process = _process(os.getpid())
    if process is None:
        raise OSError(errno.ESRCH, "/proc does not tell about this process")
    return process


def _namespace() -> str:
    """What the PID namespace of this process is called."""
    return os.readlink("/proc/self/ns/pid")


def _is_dead(line: str) -> bool:
    """Whether the process of such a line is dead for certain: a pid of another namespace tells nothing here."""
    match = re.fullmatch(r"pid=(\d{1,10}) start=(\d{1,20}) namespace=(\S{1,64})\n", line)
    if match is None or match[3] != _namespace():
        return False
    process = _process(int(match[1]))
    return process is None or process.start != int(match[2]) or process.is_dead


def _ancestors(pid: int) -> Iterator[_Process]:
    """A process and those above it, the nearest first."""
    process = _process(pid)
    for _ in range(32):
        if process is None or process.pid <= 1:
            return
        yield process
        process = _process(process.parent)


# ---- Who am I ----

_Environment = Mapping[str, str]


def _environment_of(pid: int) -> Optional[_Environment]:
    """The variables that a process was started with; None if it has ended, or is somebody else's."""
    try:
        with open(f"/proc/{pid}/environ", "rb") as file:
            entries = os.fsdecode(file.read()).split("\0")
    except OSError:
        return None
    return dict(entry.split("=", 1) for entry in reversed(entries) if "=" in entry)


class _Launcher(NamedTuple):
    """How a launcher tells a rank who it is.

    Of names with a `|` between them, the first that is set counts. A `?` in front: not every version sets it. Empty: the launcher does
    not tell.
    """

    name: str
    variables: str  # it is this one if these are set
    rank: str
    size: str = ""
    local_rank: str = ""
    local_size: str = ""
    id: str = ""  # what names the step; where that is not set, the launcher's process above the rank does
    processes: Tuple[str, ...] = ()  # how the commands begin of its processes that stand above a rank

    def is_set_in(self, env: _Environment) -> bool:
        """Whether its variables are there; and are its own, not set by another for the sake of some MPI."""
        if any(_value(env, names) is None for names in self.variables.split()):
            return False
        if self.name == "pals":
            return "SLURM_PROCID" not in env
        if self.name == "mpich":
            return _value(env, "I_MPI_MPIRUN|I_MPI_HYDRA_TOPOLIB") is None
        return self.name != "pmix" or env.get("OMPI_COMM_WORLD_RANK") != env["PMIX_RANK"]

    def has_set(self, env: _Environment, theirs: _Environment) -> bool:
        """Whether a process was started without its variables, or with others: it has given them to its children."""
        return any(env.get(name) != theirs.get(name) for name in re.split("[ |]", self.variables))

    def daemon_seen(self) -> Optional[_Process]:
        """The launcher's process above this rank; None if there is none to be seen."""
        keeper = _setting("HWLOC_SHARE_KEEPER") if self.name == "local" else None
        for process in _ancestors(os.getppid()):
            theirs = _environment_of(process.pid) if self.name == "torchrun" else None
            is_agent = theirs is not None and "TORCHELASTIC_RUN_ID" not in theirs
            if is_agent or str(process.pid) == keeper or process.command.startswith(self.processes):
                return process
        return None

    def daemon(self) -> Optional[_Process]:
        """The same, or its parent where it is not to be seen."""
        return self.daemon_seen() or _process(os.getppid())


# In the order of docs/protocol.md. test/launcher/kinds/environments.json has what each of them sets.
_HYDRA = ("PMI_RANK|PMI_ID", "?PMI_SIZE", "MPI_LOCALRANKID", "MPI_LOCALNRANKS", "", ("hydra_pmi_proxy", "pmi_proxy"))
_LAUNCHERS = (
    _Launcher(
        "local",
        "HWLOC_SHARE_RANK",
        "HWLOC_SHARE_RANK",
        "HWLOC_SHARE_SIZE",
        "HWLOC_SHARE_LOCAL_RANK",
        "HWLOC_SHARE_LOCAL_SIZE",
    ),
    _Launcher(
        "torchrun",
        "TORCHELASTIC_RUN_ID LOCAL_RANK",
        "RANK",
        "WORLD_SIZE",
        "LOCAL_RANK",
        "LOCAL_WORLD_SIZE",
        "TORCHELASTIC_RUN_ID",
    ),
    _Launcher(
        "flux",
        "FLUX_TASK_RANK FLUX_TASK_LOCAL_ID",
        "FLUX_TASK_RANK",
        "FLUX_JOB_SIZE",
        "FLUX_TASK_LOCAL_ID",
        "FLUX_JOB_SIZE",  # if FLUX_JOB_NNODES is 1
        "FLUX_JOB_ID",
        ("flux-shell",),
    ),
    _Launcher(
        "jsm",
        "JSM_NAMESPACE_RANK",
        "JSM_NAMESPACE_RANK",
        "JSM_NAMESPACE_SIZE",
        "JSM_NAMESPACE_LOCAL_RANK",
        "JSM_NAMESPACE_LOCAL_SIZE",
        "?PMIX_NAMESPACE",
        ("jsmd",),
    ),
    _Launcher(
        "openmpi",
        "OMPI_COMM_WORLD_RANK",
        "OMPI_COMM_WORLD_RANK",
        "OMPI_COMM_WORLD_SIZE",
        "OMPI_COMM_WORLD_LOCAL_RANK",
        "OMPI_COMM_WORLD_LOCAL_SIZE",
        "?PMIX_NAMESPACE|OMPI_MCA_ess_base_jobid",
        ("orted", "orterun", "prte", "mpirun", "mpiexec"),
    ),
    _Launcher(
        "pals",
        "PALS_RANKID PALS_LOCAL_RANKID",
        "PALS_RANKID",
        "?PMI_SIZE",
        "PALS_LOCAL_RANKID",
        "?PALS_LOCAL_SIZE|PMI_LOCAL_SIZE",
        "PALS_APID",
        ("palsd",),
    ),
    _Launcher("intelmpi", "I_MPI_MPIRUN|I_MPI_HYDRA_TOPOLIB PMI_RANK|PMI_ID MPI_LOCALRANKID", *_HYDRA),
    _Launcher("mpich", "PMI_RANK|PMI_ID MPI_LOCALRANKID", *_HYDRA),
    _Launcher(
        "mvapich2",
        "MV2_COMM_WORLD_RANK",
        "MV2_COMM_WORLD_RANK",
        "MV2_COMM_WORLD_SIZE",
        "MV2_COMM_WORLD_LOCAL_RANK",
        "MV2_COMM_WORLD_LOCAL_SIZE",
        "",
        ("mpispawn",),
    ),
    _Launcher("alps", "ALPS_APP_PE", "ALPS_APP_PE", id="ALPS_APP_ID", processes=("apinit", "apshepherd")),
    _Launcher(
        "slurm",
        "SLURM_PROCID SLURM_STEP_TASKS_PER_NODE",
        "SLURM_PROCID",
        "SLURM_STEP_NUM_TASKS",
        "SLURM_LOCALID",
        "SLURM_STEP_TASKS_PER_NODE",  # the item of node SLURM_NODEID
        "SLURM_JOB_ID",  # and SLURM_STEP_ID
        ("slurmstepd",),
    ),
    _Launcher("pmix", "PMIX_RANK PMIX_NAMESPACE", "PMIX_RANK", id="PMIX_NAMESPACE", processes=("prte", "prun")),
)


def _value(env: _Environment, names: str) -> Optional[str]:
    """The value of the first of these names that is set."""
    return next((env[name] for name in names.lstrip("?").split("|") if name in env), None)


def _innermost(launchers: Sequence[_Launcher], env: _Environment, parent: int) -> _Launcher:
    """Of several launchers whose variables a process has, the one whose process is nearest above it; the first if none is to be seen."""
    for process in _ancestors(parent):
        named = [each for each in launchers if process.command.startswith(each.processes)]
        if len(named) == 1:
            return named[0]
        theirs = _environment_of(process.pid)
        found = [] if theirs is None else [each for each in launchers if each.has_set(env, theirs)]
        for each in [*(each for each in named if each in found), *named, *found]:
            return each
    return launchers[0]


def _launcher_of(env: _Environment, parent: int) -> Optional[_Launcher]:
    """Which launcher started the process that has these variables, and this parent."""
    found = [launcher for launcher in _LAUNCHERS if launcher.is_set_in(env)]
    if len(found) < 2:
        return found[0] if found else None
    return _innermost(found, env, parent)


class _Identity(NamedTuple):
    """Who a process is in its job; what its launcher does not tell is None."""

    rank: int
    size: Optional[int]
    local_rank: Optional[int]
    local_size: Optional[int]
    node: str
    step: Optional[str] = None  # None: nothing names the job step, or no launcher is known
    launcher: Optional[str] = None


def _nobody() -> _Identity:
    return _Identity(0, 1, 0, 1, socket.gethostname())


def _identify(env: _Environment, parent: Optional[int] = None) -> _Identity:
    """Who the process is that has these variables and this parent: this one, or another that the same launcher's process started.

    ValueError says what is wrong with them.
    """
    launcher = _launcher_of(env, os.getppid() if parent is None else parent)
    if launcher is None:
        return _nobody()

    def count(names: str) -> Optional[int]:
        text = _value(env, names)
        if names == "" or (text is None and names.startswith("?")):
            return None
        if text is None or re.fullmatch("[0-9]{1,10}", text) is None or int(text) > 0x7FFFFFFF:
            raise ValueError(f"{names}={text}: a number was expected; this process takes itself to be alone")
        return int(text)

    rank, size, local_rank = count(launcher.rank), count(launcher.size), count(launcher.local_rank)
    node = None
    if launcher.name == "slurm":
        node = env.get("SLURMD_NODENAME")
        local_size = _tasks_on_node(env[launcher.local_size], count("SLURM_NODEID") or 0)
    else:
        local_size = count(launcher.local_size)
    if launcher.name in ("openmpi", "pmix"):
        node = env.get("PMIX_HOSTNAME")
    # How many of its tasks are on each of several nodes, Flux says to nobody.
    if launcher.name == "flux" and count("FLUX_JOB_NNODES") != 1:
        local_size = None
    if local_rank is not None and local_size is not None and local_rank >= local_size:
        raise ValueError(f"it cannot be local rank {local_rank} of {local_size}; this process takes itself to be alone")
    node = socket.gethostname() if node is None else node
    step = _step_of(launcher, env)
    return _Identity(rank or 0, size, local_rank, local_size, node, None if step is None else f"{step}@{node}", launcher.name)


def _step_of(launcher: _Launcher, env: _Environment) -> Optional[str]:
    """The name of the job step on a node.

    None: the launcher has none, and its process, which would do, cannot be seen from this container.
    """

    def text(name: str) -> str:
        if env.get(name, "") == "":
            raise ValueError(f"{name}: a name was expected; this process takes itself to be alone")
        return env[name]

    id = _value(env, launcher.id)
    if launcher.id != "" and not launcher.id.startswith("?"):
        text(launcher.id)
    if launcher.name == "local":
        return "local"
    if launcher.name == "slurm":
        return f"slurm-{id}.{text('SLURM_STEP_ID')}"
    if launcher.name == "flux":
        # What tells the brokers of one host apart, and instances: the folder of the broker is in both.
        place = _value(env, "FLUX_JOB_TMPDIR|FLUX_URI")
        return f"flux-{id}" if place is None else f"flux-{id}-{place}"
    if id is not None and launcher.name != "torchrun":
        return f"{launcher.name}-{id}"
    seen = launcher.daemon_seen()
    daemon = seen or _process(os.getppid())
    above = "0-0" if daemon is None else f"{daemon.pid}-{daemon.start}"
    if launcher.name == "torchrun":
        return f"torchrun-{id}.{env.get('TORCHELASTIC_RESTART_COUNT', '0')}-{above}"
    if launcher.name == "openmpi":
        return f"openmpi-{above.partition('-')[0]}"
    if seen is not None or _namespace() == "pid:[4026531836]":
        return f"{launcher.name}-{above}"
    # A container hides it. The wrapper's name for the job will do, if it was this launcher that the wrapper started.
    is_named = _value(env, "HWLOC_SHARE_JOB|OMPI_HWLOC_SHARE_JOB") is not None
    starter = _value(env, "HWLOC_SHARE_LAUNCHER|OMPI_HWLOC_SHARE_LAUNCHER")
    return launcher.name if is_named and starter == launcher.name else None


def _tasks_on_node(text: str, node: int) -> int:
    """`2(x3),1` stands for 2,2,2,1."""
    for word in text.split(","):
        match = re.fullmatch(r"([0-9]{1,9})(?:\(x([0-9]{1,9})\))?", word)
        if match is None:
            break
        node -= int(match[2] or 1)
        if node < 0:
            return int(match[1])
    raise ValueError(f"SLURM_STEP_TASKS_PER_NODE={text}: not a list of tasks; this process takes itself to be alone")


def _keeper() -> _Process:
    """The process whose end means that the job has ended on this node; this one if no other is to be seen."""
    launcher = _launcher_of(os.environ, os.getppid())
    return (launcher.daemon() if launcher is not None else None) or _self()


class _Witness:
    """Watches the processes of this job step on this node, by the variables that the launcher gave them."""

    def __init__(self, me: _Identity) -> None:
        self._me = me
        self._job = _setting("HWLOC_SHARE_JOB")
        self._seen: Set[int] = set()
        self._missed: Dict[int, int] = {}  # by local rank: in how many looks, one after another, there was none
        self._next_look = 0.0

    def look(self) -> None:
        start = time.monotonic()
        if start < self._next_look:
            return
        found = {self._local_rank_of(name) for name in os.listdir("/proc") if name.isdecimal() and int(name) != os.getpid()}
        for local in range(self._me.local_size):
            self._missed[local] = 0 if local in found else self._missed.get(local, 0) + 1
        self._seen |= {local for local in found if local is not None}
        # On a crowded node this may not take more than a tenth of the time.
        self._next_look = time.monotonic() + 10 * (time.monotonic() - start)

    def has_died(self, local: int) -> bool:
        """Whether a local rank was there, and is no more."""
        return local in self._seen and self._missed[local] >= _LOOKS

    def is_nowhere(self, local: int) -> bool:
        """Whether it was never seen, though it would be if it lived: only the first PID namespace sees all processes."""
        is_missed = self._missed.get(local, 0) >= _LOOKS
        return is_missed and local not in self._seen and _namespace() == "pid:[4026531836]"

    def _local_rank_of(self, pid: str) -> Optional[int]:
        env, process = _environment_of(int(pid)), _process(int(pid))
        if env is None or process is None or (_value(env, "HWLOC_SHARE_JOB|OMPI_HWLOC_SHARE_JOB") or None) != self._job:
            return None
        try:
            who = _identify(env, process.parent)
        except ValueError:
            return None
        return who.local_rank if who.step == self._me.step else None


# ---- The channel: ROOT/KEY ----


def _directory_name(key: str) -> str:
    """The name of a channel's directory: the key, or what stands for one that is not to be a name."""
    key = key.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
    if re.fullmatch(r"(?!\.)[A-Za-z0-9._@-]{0,120}", key):
        return key
    raw = key.encode("utf-16-le")
    units = [raw[i] | raw[i + 1] << 8 for i in range(0, len(raw), 2)]
    value = 0x811C9DC5
    for unit in units:
        value = (value ^ unit) * 0x01000193 & 0xFFFFFFFF
    text = "".join(chr(unit) if unit < 128 else "_" for unit in units)
    return re.sub(r"^\.|[^A-Za-z0-9._@-]", "_", text)[:100] + f"-{value:08x}"


def _roots() -> List[str]:
    """Where channels may be, in the order of preference."""
    bases = [_setting("HWLOC_SHARE_DIR"), "/dev/shm", _setting("XDG_RUNTIME_DIR"), _setting("TMPDIR") or "/tmp"]
    return [os.path.join(os.path.abspath(base), f"hwloc-share-{os.geteuid()}") for base in dict.fromkeys(bases) if base]


class _Refused(OSError):
    """What stands there is not what it should be; to use it could serve or harm somebody else."""


def _open(name: str, flags: int, kind: Callable[[int], bool], directory: Optional[int] = None) -> int:
    """Opens what must be of this kind, of this user, and closed to others."""
    fd = os.open(name, flags | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=directory)
    found = os.fstat(fd)
    why = None
    if not kind(found.st_mode):
        why = "is not of the type that it should be"
    elif found.st_uid != os.geteuid():
        why = f"belongs to user {found.st_uid}"
    elif found.st_mode & 0o077:
        why = f"is open to others (mode {found.st_mode & 0o777:o})"
    elif stat.S_ISREG(found.st_mode) and found.st_nlink > 1:
        why = "has another name, too"
    if why is None:
        return fd
    os.close(fd)
    raise _Refused(errno.EPERM, why, name)


def _open_directory(name: str, directory: Optional[int] = None) -> int:
    try:
        return _open(name, os.O_RDONLY | os.O_DIRECTORY, stat.S_ISDIR, directory)
    except OSError as error:
        if error.errno in (errno.ENOTDIR, errno.ELOOP):
            raise _Refused(error.errno, "is a link, or no directory", name) from None
        raise


def _close(*fds: Optional[int]) -> None:
    for fd in fds:
        if fd is not None:
            os.close(fd)


_passing = itertools.count(1)


def _passing_name() -> str:
    """A name that nobody else has for a channel that is being built, or removed."""
    digits = "".join(re.findall("[0-9]", _namespace()))
    return f".passing-{os.getpid()}-{_self().start}-{digits}-{next(_passing)}"


class _Channel:
    """The directory in which the ranks of this node meet."""

    def __init__(self, root: str, name: str, fd: int) -> None:
        self.root, self.name = root, name
        self._fd: Optional[int] = fd

    @property
    def fd(self) -> int:
        if self._fd is None:
            raise OSError(errno.EBADF, "this rank has left the channel")
        return self._fd

    def path(self, name: str) -> str:
        return os.path.join(self.root, self.name, name)

    def has(self, name: str) -> bool:
        try:
            os.stat(name, dir_fd=self.fd, follow_symlinks=False)
            return True
        except OSError:
            return False

    def time_of(self, name: str) -> Optional[int]:
        """When something was last modified, in nanoseconds; None where it is not there."""
        try:
            return os.stat(name, dir_fd=self.fd, follow_symlinks=False).st_mtime_ns
        except OSError:
            return None

    def fifo(self, name: str, flags: int) -> int:
        return _open(name, flags | os.O_NONBLOCK, stat.S_ISFIFO, self.fd)

    def read(self, name: str) -> str:
        return _read_small(name, self.fd)

    def write(self, name: str, text: str) -> None:
        """Writes a new file. FileExistsError if it is there."""
        fd = os.open(name, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600, dir_fd=self.fd)
        try:
            with open(fd, "wb") as file:
                file.write(text.encode("utf-8", "surrogateescape"))
        except OSError:
            self.unlink(name)
            raise

    def publish(self, name: str, text: str) -> None:
        """Writes a file in one piece: nobody reads half of it."""
        unfinished = f"{name}.{os.getpid()}"
        self.write(unfinished, text)
        os.rename(unfinished, name, src_dir_fd=self.fd, dst_dir_fd=self.fd)

    def unlink(self, name: str) -> None:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(name, dir_fd=self.fd)

    def is_found(self, lobby: int) -> bool:
        """Whether the lobby that is open here is the one that others find. Somebody who came later may have made a new channel."""
        with contextlib.suppress(OSError):
            return os.lstat(self.path("lobby")).st_ino == os.fstat(lobby).st_ino
        return False

    def keep_if_orphaned(self) -> None:
        """Makes this process the keeper where that one has died: a wrapper may be killed, and its ranks live on.

        Else the next sweep would remove the channel from under them.
        """
        with contextlib.suppress(OSError):
            # Where its leader has died, too, it has been of use to somebody already, and is of none to us.
            if _is_dead(self.read("keeper")) and not (self.has("leader") and _is_dead(self.read("leader"))):
                self.publish("keeper", _self().line())

    def close(self) -> None:
        _close(self._fd)
        self._fd = None


def _read_small(name: str, directory: Optional[int] = None) -> str:
    fd = _open(name, os.O_RDONLY | os.O_NONBLOCK, stat.S_ISREG, directory)
    with open(fd, "rb") as file:
        return file.read(_LINE).decode("utf-8", "surrogateescape")


def _enter(name: str, refuse: Callable[[str], None]) -> _Channel:
    """Finds the channel, or makes it. OSError if there is no place for it."""
    roots = _roots()
    # Where another rank has made it, even if a better place has room again by now.
    made = [root for root in roots if os.path.lexists(os.path.join(root, name))]
    trouble = OSError(errno.ENOENT, "there is no directory for a channel")
    for root in made + [root for root in roots if root not in made]:
        try:
            return _open_or_make(root, name)
        except OSError as error:
            trouble = error
            if isinstance(error, _Refused):
                path = root if error.filename == root else os.path.join(root, str(error.filename))
                refuse(f"{path} {error.strerror}; refused: remove it, or set HWLOC_SHARE_DIR to another directory")
    raise trouble


def _open_or_make(root: str, name: str) -> _Channel:
    # A job that ends removes the root when it is empty, and may do so between two steps of ours.
    for _ in range(20):
        with contextlib.suppress(FileExistsError):
            os.mkdir(root, 0o700)
        try:
            with _directory(root) as at:
                try:
                    return _Channel(root, name, _open_directory(name, at))
                except FileNotFoundError:
                    _build(at, name)
        except (FileExistsError, FileNotFoundError):
            continue  # another rank was faster, or the root has just gone
        except OSError:
            with contextlib.suppress(OSError):
                os.rmdir(root)
            raise
    raise OSError(errno.ENOENT, "comes and goes", root)


@contextlib.contextmanager
def _directory(name: str, at: Optional[int] = None) -> Iterator[int]:
    fd = _open_directory(name, at)
    try:
        yield fd
    finally:
        os.close(fd)


def _build(at: int, name: str, pipes: Tuple[str, ...] = ("lobby", "pulse")) -> None:
    """Makes a directory of a root, with its `keeper` and pipes. FileExistsError if there is one."""
    passing = _passing_name()
    os.mkdir(passing, 0o700, dir_fd=at)
    try:
        building = _Channel("", passing, _open_directory(passing, at))
        try:
            building.write("keeper", _keeper().line())
            for pipe in pipes:
                os.mkfifo(pipe, 0o600, dir_fd=building.fd)
        finally:
            building.close()
        os.rename(passing, name, src_dir_fd=at, dst_dir_fd=at)
    except OSError as error:
        _remove(at, passing)
        if error.errno in (errno.ENOTEMPTY, errno.ENOTDIR):
            raise FileExistsError(errno.EEXIST, "is there already", name) from None
        raise


def _remove(at: int, name: str) -> None:
    """Removes a directory of a root, and the files in it. Under another name first, so that nobody finds half of it."""
    with contextlib.suppress(OSError):
        passing = _passing_name()
        os.rename(name, passing, src_dir_fd=at, dst_dir_fd=at)
        fd = _open_directory(passing, at)
        try:
            for entry in os.listdir(fd):
                os.unlink(entry, dir_fd=fd)
        finally:
            os.close(fd)
        os.rmdir(passing, dir_fd=at)


def _remove_channel(root: str, name: str) -> None:
    """Removes a channel, and its root if nothing else is in it."""
    with contextlib.suppress(OSError):
        with _directory(root) as at:
            _remove(at, name)
        os.rmdir(root)


def _sweep(root: str, exception: str) -> None:
    """Removes what dead jobs left in a root."""
    with contextlib.suppress(OSError):
        with _directory(root) as at:
            for name in os.listdir(at):
                if name != exception and _is_dead(_keeper_line(at, name)) and not _is_inhabited(at, name):
                    _remove(at, name)
        os.rmdir(root)


def _is_inhabited(at: int, name: str) -> bool:
    """Whether the leader of a channel lives, or a member that it has not let in yet: their launcher may be dead, and they go on."""
    with contextlib.suppress(OSError):
        if not _is_dead(_read_small(f"{name}/leader", at)):
            return True
    with contextlib.suppress(OSError), _directory(name, at) as fd:
        for entry in os.listdir(fd):
            match = re.fullmatch(r"[0-9]{1,9}-([0-9]+)\.down", entry)
            # Its maker holds it open as long as it waits.
            if match is not None and _has_open(match[1], os.stat(entry, dir_fd=fd, follow_symlinks=False)):
                return True
    return False


def _has_open(pid: str, file: os.stat_result) -> bool:
    with contextlib.suppress(OSError):
        for fd in os.listdir(f"/proc/{pid}/fd"):
            with contextlib.suppress(OSError):
                if os.path.samestat(os.stat(f"/proc/{pid}/fd/{fd}"), file):
                    return True
    return False


def _keeper_line(at: int, name: str) -> str:
    passing = re.fullmatch(r"\.passing-(\d+)-(\d+)-(\d+)-\d+", name)
    if passing is not None:
        return f"pid={passing[1]} start={passing[2]} namespace=pid:[{passing[3]}]\n"
    try:
        return _read_small(f"{name}/keeper", at)
    except OSError:
        return ""


class _End:
    """What remains to be done when this process ends: somebody may have come late until then."""

    def __init__(self, channel: _Channel) -> None:
        self._pid = os.getpid()
        self._places = [(channel.root, channel.name)]
        #: Whether this process leads: then the channel is its own.
        self.leads = False
        atexit.register(self.tidy)

    def add(self, root: str) -> None:
        self._places.append((root, self._places[0][1]))

    def tidy(self) -> None:
        """Removes the leader's files; or the channel of a leader that never came, or died before it could."""
        atexit.unregister(self.tidy)
        if self._pid != os.getpid():
            return  # a child of this rank
        if not self.leads:
            with contextlib.suppress(OSError):
                if not _is_dead(_read_small(os.path.join(*self._places[0], "leader"))):
                    return
        for root, name in self._places:
            _remove_channel(root, name)


# ---- Lines and messages ----


class _ProtocolError(ValueError):
    """What was said is none of what may be said."""


class _Lines:
    """Puts what was read together to lines. One that is too long is None, and its rest is left out."""

    def __init__(self) -> None:
        self._rest = b""
        self._is_skipping = False

    def feed(self, data: bytes) -> List[Optional[str]]:
        *whole, rest = (self._rest + data).split(b"\n")
        lines: List[Optional[str]] = []
        for line in whole:
            if not self._is_skipping:
                lines.append(None if len(line) >= _LINE else line.decode("utf-8", "replace"))
            self._is_skipping = False
        if len(rest) >= _LINE and not self._is_skipping:
            lines.append(None)
            self._is_skipping = True
        self._rest = b"" if self._is_skipping else rest
        return lines


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


def _parse(line: Optional[str]) -> _Message:
    if line is None:
        raise _ProtocolError("a line that is too long")
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
    """A line. Keys of two words have a `_` here; what is None is left out."""

    def escaped(value: object) -> str:
        raw = str(value).encode("utf-8", "surrogateescape")
        return "".join(chr(byte) if 0x21 <= byte <= 0x7E and byte != 0x25 else f"%{byte:02X}" for byte in raw)

    said = ((key.replace("_", "-"), value) for key, value in words.items() if value is not None)
    return " ".join([verb, *(f"{key}={escaped(value)}" for key, value in said)]) + "\n"


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
    """The ranges at the head of a line; none if it is no such line."""
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


class _Space(NamedTuple):
    """What is mapped in this process; where its heap ends, and its stack starts."""

    ranges: List[_Range]
    heap: Optional[int]
    stack: Optional[int]


def _own_space() -> _Space:
    ranges: List[_Range] = []
    heap = stack = None
    with open("/proc/self/maps", encoding="latin-1") as file:
        for line in file:
            found = _parse_ranges(line)
            ranges += found
            if line.endswith(" [heap]\n"):
                heap = found[0][1]
            elif line.endswith(" [stack]\n"):
                stack = found[0][0]
    return _Space(_merge(ranges), heap, stack)


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
    """An address at which `length` bytes are free in all ranks and below `top`; None if there is none.

    Where nothing else goes: a program and its heap lie at 0x55.. and 0x56.. or far below, libraries, stacks and new mappings above
    0x7e.., the memory of a JavaScript engine below 0x40... In there at a place that depends on the job, since others may choose one
    there, too. Where neither window has room (other architectures have less address space): a quarter of the way into the biggest
    hole, at whose ends the kernel, heaps and stacks go on.
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
        chosen = _hash(seed) % max(places, 1)
        for start, count in fitting:
            if chosen < count:
                return start + chosen * _ALIGN
            chosen -= count
    holes = _holes(occupied, _USER_SPACE[0], top)
    start, end = max(holes, key=lambda hole: hole[1] - hole[0], default=(0, 0))
    address = up(start + (end - start) // 4)
    return address if address + length <= end else None


def _hash(text: str) -> int:
    """FNV-1a, and the finalizer of MurmurHash3."""
    value = 0xCBF29CE484222325
    for byte in text.encode("utf-8", "surrogateescape"):
        value = (value ^ byte) * 0x100000001B3 & 0xFFFFFFFFFFFFFFFF
    value = (value ^ value >> 33) * 0xFF51AFD7ED558CCD & 0xFFFFFFFFFFFFFFFF
    return (value ^ value >> 33) >> 8


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


class _Allowed(NamedTuple):
    """What the cgroup of a process allows, not what it is bound to, as lists such as `0-3,8`. None where that cannot be told."""

    cpus: Optional[str]
    mems: Optional[str]

    def differs(self, other: _Allowed) -> bool:
        """One that does not know is taken to be like the other."""
        return any(None not in pair and pair[0] != pair[1] for pair in zip(self, other))


def _own_allowed() -> _Allowed:
    group = _first_line("/proc/self/cpuset")
    forms = (
        "{}/cpuset.cpus.effective",
        "/unified{}/cpuset.cpus.effective",
        "/cpuset{}/cpuset.effective_cpus",
        "/cpuset{}/cpuset.cpus",
    )
    paths = [f"/sys/fs/cgroup{form.format(group)}" for form in forms] if group is not None else []
    cpus = next(filter(None, map(_first_line, paths)), None)
    # The memory nodes there are the cgroup's; the CPUs would be those of the binding.
    with contextlib.suppress(OSError):
        with open("/proc/self/status", encoding="latin-1") as file:
            match = re.search(r"^Mems_allowed_list:\s*(\S+)$", file.read(), re.MULTILINE)
            return _Allowed(cpus, match[1] if match is not None else None)
    return _Allowed(cpus, None)


def _first_line(path: str) -> Optional[str]:
    try:
        with open(path, encoding="latin-1") as file:
            return file.readline().rstrip("\n")
    except OSError:
        return None


# ---- The ladder: the leader's XML, else a discovery of one's own ----


class _Place(NamedTuple):
    """Which rank this is, and what it was told."""

    me: _Identity
    key: str
    allowed: _Allowed
    timeout: float
    is_strict: bool

    def say(self, text: str) -> None:
        """One line on stderr: who, what, why."""
        # Others may have said what is in it.
        plain = re.sub(r"[\x00-\x1f\x7f]", "?", text)
        line = f"hwloc-share: node {self.me.node}, rank {self.me.rank}: {plain}\n"
        with contextlib.suppress(OSError):  # a closed or full stderr is no reason to fail a job
            os.write(2, line.encode("utf-8", "surrogateescape"))


class _Got(NamedTuple):
    """What a rank has in the end."""

    topology: Topology
    how: str
    reason: Optional[str] = None
    plan: Optional[_Plan] = None
    did_discover: bool = False


def _take_ladder(place: _Place, reason: str, xml: Optional[str] = None, is_this_system: bool = False) -> _Got:
    if place.is_strict:
        raise NotSharedError(reason)
    if xml is not None:
        with contextlib.suppress(OSError):
            got = _Got(_import(xml, is_this_system), "xml", reason)
            place.say(f"{reason}; using a private copy of the leader's topology")
            return got
    got = _Got(_discover(), "discovered", reason, did_discover=True)
    place.say(f"{reason}; discovered the machine on its own")
    return got


def _text_of(error: OSError) -> str:
    return ": ".join(str(word) for word in (error.filename, error.strerror) if word) or str(error)


# ---- A rank that can reach nobody ----


class _Alone:
    """The barriers of a rank that did not meet the others, or lost them; or that has none, and nothing to say about it."""

    def __init__(self, place: _Place, why: Optional[str] = None) -> None:
        self._place, self._why = place, why
        self._has_said = False

    def barrier(self) -> bool:
        if self._why is not None and not self._has_said:
            self._place.say(f"{self._why}; it passes its barriers without the others")
        self._has_said = True
        return self._why is None

    def close(self) -> None:
        pass


# ---- A member ----


class _NobodyError(Exception):
    """There is no leader (any more), or it cannot be understood. The text says which."""


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
        self._witness = _Witness(place.me)
        self._alone: Optional[_Alone] = None
        self._barriers = 0

    def join(self) -> _Got:
        try:
            if self._channel.has("plan"):
                return self._join_alone("the others have gone on")
            try:
                self._announce()
                return self._converse()
            except _NobodyError as trouble:
                return self._join_alone(str(trouble))
            except _ProtocolError as trouble:
                return self._join_alone(f"the leader cannot be understood: {str(trouble)[:120]}")
            except HwlocError:
                raise
            except OSError as trouble:
                return self._join_alone(_text_of(trouble))
        except BaseException:
            self.close()
            raise
        finally:
            self._drop_reservation()
            self._leave_lobby()

    def barrier(self) -> bool:
        if self._alone is not None:
            return self._alone.barrier()
        self._barriers += 1
        self._say("barrier", number=self._barriers)
        try:
            while True:
                for message in self._hear(None):
                    if message.verb == "open" and message.count("number") == self._barriers:
                        return True
        except (_NobodyError, _ProtocolError):
            self.close()
            self._alone = _Alone(self._place, "the leader has gone")
            return self._alone.barrier()

    def close(self) -> None:
        _close(self._up, self._down)
        self._up = self._down = None

    def _join_alone(self, why: str) -> _Got:
        """Goes on without a leader: adopts what the others have adopted, or takes the ladder."""
        self._drop_reservation()
        self._alone = _Alone(self._place, "this rank did not meet the others")
        try:
            if not self._channel.has("plan"):
                return _take_ladder(self._place, why)
            try:
                plan = _Plan.of(_parse(self._channel.read("plan").rstrip("\n")))
                self._check_abi(plan)
                topology = _adopt(plan)
            except (_ProtocolError, OSError) as error:
                trouble = _text_of(error) if isinstance(error, OSError) else "the published plan cannot be understood"
                return _take_ladder(self._place, f"came late: {trouble}")
            self._alone = _Alone(self._place, "this rank joined after the others had gone on")
            return _Got(topology, "adopted", plan=plan)
        finally:
            # Not before: until then the leader may wait for this end, and leave the file where it is.
            self.close()

    def _announce(self) -> None:
        """Makes this rank's pair of FIFOs, says hello, and announces it in the lobby."""
        me, fd = self._place.me, self._channel.fd
        space, allowed = _own_space(), self._place.allowed
        words = {
            "abi": f"{_own_abi():x}",
            "heap": None if space.heap is None else f"{space.heap:x}",
            "stack": None if space.stack is None else f"{space.stack:x}",
            "cpus": allowed.cpus,
            "mems": allowed.mems,
        }
        self._say("hello", hwloc_share=_VERSION, rank=me.rank, local=me.local_rank, **words)
        self._say_ranges(space.ranges)
        pipe = f"{me.local_rank}-{os.getpid()}"
        os.mkfifo(f"{pipe}.up", 0o600, dir_fd=fd)
        os.mkfifo(f"{pipe}.down", 0o600, dir_fd=fd)
        self._down = self._channel.fifo(f"{pipe}.down", os.O_RDONLY)
        self._up = self._channel.fifo(f"{pipe}.up", os.O_RDWR)
        self._flush()
        self._lobby = self._channel.fifo("lobby", os.O_RDWR)
        line = _message("announce", hwloc_share=_VERSION, rank=me.rank, local=me.local_rank, pipe=pipe)
        os.write(self._lobby, line.encode())

    def _converse(self) -> _Got:
        """From the announcement to the topology."""
        timeout = self._place.timeout
        deadline = time.monotonic() + timeout
        next_look = time.monotonic() + _LOOK
        mark: Optional[int] = None
        while True:
            is_met = self._lobby is None
            for message in self._hear(deadline if is_met else min(deadline, next_look)):
                # It has opened our pair: the announcement is not needed any more.
                self._leave_lobby()
                deadline = time.monotonic() + timeout
                got = self._answer(message)
                if got is not None:
                    return got
            if time.monotonic() >= deadline:
                silence = "was silent for" if self._lobby is None else "did not come within"
                raise _NobodyError(f"the leader {silence} {timeout:g} s (HWLOC_SHARE_TIMEOUT)")
            if self._lobby is not None and time.monotonic() >= next_look:
                self._look_for_leader(self._lobby)
                # A leader that has no descriptors left for this rank shows by its mark that it lives.
                before, mark = mark, self._channel.time_of("leader")
                if mark != before:
                    deadline = time.monotonic() + timeout
                next_look = time.monotonic() + _LOOK

    def _look_for_leader(self, lobby: int) -> None:
        """Raises _NobodyError where there is no use in waiting for one that was not heard yet."""
        self._channel.keep_if_orphaned()
        if self._channel.has("plan"):
            raise _NobodyError("the others have gone on")
        if not self._channel.is_found(lobby):
            raise _NobodyError("the leader has gone, and the channel with it")
        if self._channel.has("leader"):
            try:
                os.close(self._channel.fifo("pulse", os.O_WRONLY))
            except OSError as error:
                if error.errno in (errno.ENXIO, errno.ENOENT):
                    raise _NobodyError("the leader has gone") from None
            return
        self._witness.look()
        if self._witness.has_died(0):
            raise _NobodyError("the leader ended before it could lead")
        # Every launcher starts it first: if it is not there now, it has been.
        if self._witness.is_nowhere(0):
            raise _NobodyError("the leader has left the job")

    def _answer(self, message: _Message) -> Optional[_Got]:
        if message.verb == "wait":
            return None
        if message.verb == "plan":
            self._drop_reservation()
            self._answer_plan(_Plan.of(message))
            return None
        if message.verb == "release":
            plan, reservation = self._plan, self._reservation
            if plan is None or reservation is None or message.count("generation") != plan.generation:
                raise _ProtocolError("a release of no plan")
            try:
                topology = _adopt(plan, reservation)
            except OSError as error:
                self._say("failed", reason=_text_of(error)[:500])
                return None
            self._say("done", how="adopted")
            return _Got(topology, "adopted", plan=plan)
        if message.verb == "ladder":
            self._drop_reservation()
            reason, xml = message.words.get("reason", "the leader says so"), message.words.get("xml")
            got = _take_ladder(self._place, reason, xml, message.words.get("thissystem") == "1")
            self._say("done", how=got.how)
            return got
        raise _ProtocolError(message.verb)

    def _answer_plan(self, plan: _Plan) -> None:
        self._plan = plan
        try:
            self._check_abi(plan)
            self._reservation = _Reservation(plan)
        except FileExistsError:
            self._say("busy", generation=plan.generation)
            self._say_ranges(_own_space().ranges)
        except OSError as error:
            self._say("declined", reason=_text_of(error)[:500])
        else:
            self._say("reserved", generation=plan.generation)

    def _check_abi(self, plan: _Plan) -> None:
        if plan.abi != _own_abi():
            raise OSError(errno.EINVAL, f"its libhwloc has ABI 0x{_own_abi():x}, the leader's 0x{plan.abi:x}")

    def _drop_reservation(self) -> None:
        if self._reservation is not None:
            self._reservation.drop()
        self._reservation = None

    def _leave_lobby(self) -> None:
        _close(self._lobby)
        self._lobby = None

    def _say(self, verb: str, **words: object) -> None:
        self._outgoing += _message(verb, **words).encode()
        self._flush()

    def _say_ranges(self, ranges: List[_Range]) -> None:
        words = [f"{start:x}-{end:x}" for start, end in ranges]
        for i in range(0, len(words), 16):
            self._outgoing += (" ".join(words[i : i + 16]) + "\n").encode()
        self._outgoing += b"end\n"
        self._flush()

    def _flush(self) -> None:
        """Writes as much as the pipe takes now."""
        with contextlib.suppress(BlockingIOError):
            while self._outgoing and self._up is not None:
                del self._outgoing[: os.write(self._up, self._outgoing)]

    def _hear(self, until: Optional[float]) -> List[_Message]:
        """What the leader says, as soon as it says something; nothing if it does not until then."""
        if self._down is None:
            raise _NobodyError("the leader has gone")
        # Not just a read, which says EOF before the leader has opened its end; poll says so only after it has closed it.
        poll = select.poll()
        poll.register(self._down, select.POLLIN)
        if self._outgoing and self._up is not None:
            poll.register(self._up, select.POLLOUT)
        ready = [fd for fd, _ in poll.poll(_milliseconds(until))]
        self._flush()
        if self._down not in ready:
            return []
        data = os.read(self._down, 65536)
        if data == b"":
            raise _NobodyError("the leader has gone")
        return [_parse(line) for line in self._lines.feed(data)]


def _milliseconds(until: Optional[float]) -> Optional[int]:
    return None if until is None else max(0, int((until - time.monotonic()) * 1000) + 1)


# ---- The leader ----


class _Peer:
    """A member, as its leader sees it.

    It stands at "hello" and "ranges" until it has said both, and is "ready"; is "planned", has "reserved" its range, is "telling" that
    it found it taken, or is "busy" when it has; has "declined" to adopt, or failed to; is "released", or on the "ladder"; is "done", or
    "gone".
    """

    def __init__(self, rank: int, local: int, up: int, down: int) -> None:
        self.rank, self.local = rank, local
        self.up: Optional[int] = up
        self._down: Optional[int] = down
        self._lines = _Lines()
        self._gathered: List[_Range] = []
        self._generation = 0
        self.stage = "hello"
        self.ranges: List[_Range] = []
        self.allowed = _Allowed(None, None)
        self.reason = ""  # why it declined
        self.barriers = 0
        self.is_dropped = False  # gone because it was silent: it may come again, as a late joiner

    def let_go(self, is_dropped: bool = False) -> None:
        """Ends the conversation: the member sees EOF."""
        _close(self.up, self._down)
        self.up = self._down = None
        self.stage, self.is_dropped = "gone", is_dropped

    def tell(self, line: str, stage: Optional[str] = None, generation: Optional[int] = None) -> None:
        """Says something, whole or not at all: up to PIPE_BUF bytes a pipe takes whole. A member that reads nothing is let go."""
        data = line.encode()
        if self._down is None:
            return
        try:
            if len(data) > select.PIPE_BUF:
                raise BlockingIOError
            os.write(self._down, data)
        except OSError:
            self.let_go(is_dropped=True)
            return
        self.stage = stage or self.stage
        self._generation = generation or self._generation

    def read(self) -> None:
        """Takes up what has come. _ProtocolError if it is none of what may come."""
        data = b""
        if self.up is not None:
            try:
                data = os.read(self.up, 65536)
            except BlockingIOError:
                return
        if data == b"":
            self.let_go()
        else:
            for line in self._lines.feed(data):
                self._hear(line)

    def _hear(self, line: Optional[str]) -> None:
        stage = self.stage
        if stage in ("ranges", "telling") and line is not None:
            self._hear_range(line)
            return
        message = _parse(line)
        verb = message.verb
        if stage == "hello" and verb == "hello":
            message.hex("abi")
            self.allowed = _Allowed(message.words.get("cpus"), message.words.get("mems"))
            self.stage = "ranges"
        elif stage == "planned" and verb in ("reserved", "busy") and message.count("generation") == self._generation:
            self.stage = "reserved" if verb == "reserved" else "telling"
        elif (stage, verb) in (("planned", "declined"), ("released", "failed")):
            self.reason = message.text("reason")[:500]
            self.stage = "declined"
        elif stage in ("released", "ladder") and verb == "done":
            self.stage = "done"
        elif stage == "done" and verb == "barrier" and message.count("number") == self.barriers + 1:
            self.barriers += 1
        else:
            raise _ProtocolError(f"{line} (at {stage})")

    def _hear_range(self, line: str) -> None:
        if line == "end":
            self.ranges, self._gathered = _merge(self._gathered), []
            self.stage = "ready" if self.stage == "ranges" else "busy"
            return
        found = _parse_ranges(line)
        self._gathered += found
        if not found or len(self._gathered) > _MOST_RANGES:
            raise _ProtocolError(line)


class _Discovery:
    """A discovery in a thread of its own: it may take long, and members must hear from their leader meanwhile."""

    def __init__(self, flags: int = 0) -> None:
        self._topology: Optional[Topology] = None
        self._error: Optional[Exception] = None
        #: The reading end of a pipe, which is at its end when the thread is through.
        self.end, self._thread_end = os.pipe2(os.O_CLOEXEC)
        self._thread = threading.Thread(target=self._run, args=(flags,), daemon=True)
        self._thread.start()

    def _run(self, flags: int) -> None:
        try:
            self._topology = _discover(flags)
        except Exception as error:
            self._error = error
        finally:
            os.close(self._thread_end)

    @property
    def is_over(self) -> bool:
        poll = select.poll()
        poll.register(self.end, select.POLLIN)
        return bool(poll.poll(0))

    def result(self) -> Topology:
        self._thread.join()
        os.close(self.end)
        if self._topology is None:
            raise self._error or HwlocError(0, "hwloc_topology_load: failed")
        return self._topology


class _Leader:
    """Local rank 0: it discovers, gathers, chooses, writes, and opens the barriers."""

    def __init__(self, place: _Place, channel: _Channel, end: _End) -> None:
        self._place, self._channel, self._end = place, channel, end
        self._lobby: Optional[int] = None
        self._pulse: Optional[int] = None
        self._lobby_lines = _Lines()
        self._nonsense = 0
        self._peers: List[_Peer] = []
        self._room = _room_for_members()
        self._refused: Set[int] = set()  # local ranks that came, and died at once or take no part
        self._ended: Set[int] = set()  # local ranks that ended before they announced themselves
        self._unattended: Dict[str, int] = {}  # pipes that nobody had open, and in how many looks
        self._away: Dict[int, str] = {}  # by local rank: pipes of members for which there are no descriptors
        self._witness = _Witness(place.me)
        self._reservation: Optional[_Reservation] = None
        self._spare_root: Optional[str] = None  # where the topology's file is, if not in the channel
        self._alone: Optional[_Alone] = None
        self._barriers = 0

    # -- from the outside

    def join(self) -> _Got:
        try:
            reason = self._claim()
            if reason is not None:
                self._alone = _Alone(self._place, "this rank did not meet the others")
                return _take_ladder(self._place, reason)
            return self._lead()
        except BaseException:
            self.close()
            raise
        finally:
            # Who comes from now on finds the plan, or that the leader is through.
            _close(self._pulse)
            self._pulse = None
            self._drop_reservation()
            if self._end.leads and not self._may_come():
                self._end.tidy()

    def barrier(self) -> bool:
        if self._alone is not None:
            return self._alone.barrier()
        self._barriers += 1
        while any(peer.stage != "gone" and peer.barriers < self._barriers for peer in self._peers):
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

    # -- the steps

    def _claim(self) -> Optional[str]:
        """Claims the lead. Returns why it could not."""
        try:
            # Before the mark: a leader that has made it and has no pulse is taken for dead.
            self._pulse = self._channel.fifo("pulse", os.O_RDWR)
            self._channel.write("leader", _self().line())
            self._end.leads = True
            self._lobby = self._channel.fifo("lobby", os.O_RDWR)
            return None
        except FileExistsError:
            return "another process leads, or led, the ranks of this node"
        except OSError as error:
            return _text_of(error)

    def _lead(self) -> _Got:
        try:
            topology = self._discover_and_gather()
        except HwlocError as error:
            self._help(None, str(error), "ready")
            self._serve_until_none("ladder")
            raise
        try:
            plan = self._plan_all(topology)
        except OSError as error:
            reason = _text_of(error)
            self._help(topology, reason, "ready", "reserved", "busy", "declined")
            self._serve_until_none("ladder")
            return self._keep(topology, reason)
        for peer in self._in("reserved"):
            peer.tell(_message("release", generation=plan.generation), "released")
        adopted, reason = None, ""
        try:
            adopted = _adopt(plan, self._reservation)
        except OSError as error:
            reason = _text_of(error)
        self._serve_until_none("released")
        self._help(topology, "its range was taken in each of the plans", "busy", "declined")
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
        self._place.say(f"{reason}; keeping its own copy of the topology")
        return _Got(topology, "discovered", reason, did_discover=True)

    def _discover_and_gather(self) -> Topology:
        discovery = _Discovery()
        self._gather(discovery)
        topology = discovery.result()
        others = [peer.allowed for peer in self._peers if peer.stage != "gone"]
        if not topology.is_this_system or not any(map(self._place.allowed.differs, others)):
            return topology
        # Once more, with what the leader's cgroup does not allow, but another's may.
        topology._destroy()
        discovery = _Discovery(_FLAG_INCLUDE_DISALLOWED)
        while not discovery.is_over:
            self._tell_to_wait()
            self._serve(time.monotonic() + self._wait_every, discovery)
        return discovery.result()

    def _gather(self, discovery: _Discovery) -> None:
        """Until all members are here or the timeout is over, and the topology is loaded."""
        timeout = self._place.timeout
        deadline = time.monotonic() + timeout
        next_wait = next_look = time.monotonic() + _LOOK
        while True:
            is_complete = not self._missing() or self._lobby is None or time.monotonic() >= deadline
            is_discovered = discovery.is_over
            if is_complete and is_discovered:
                break
            until = min(next_wait, next_look)
            self._serve(until if is_complete else min(until, deadline), None if is_discovered else discovery)
            if time.monotonic() >= next_wait:
                self._tell_to_wait()
                next_wait = time.monotonic() + self._wait_every
            if time.monotonic() >= next_look:
                if not is_complete:
                    self._look_for_the_dead()
                next_look = time.monotonic() + _LOOK
        # Who comes from now on finds the plan when it is published.
        self._leave_lobby()
        missing = self._missing()
        for peer in self._in("hello", "ranges"):
            peer.let_go(is_dropped=True)
        self._say_of(self._ended, "ended, or gave up, before joining; going on without THEM")
        self._say_of(self._away, "take no part in barriers: too few files may be open here (ulimit -n)")
        self._say_of(missing, f"did not join within {timeout:g} s; going on without THEM (HWLOC_SHARE_TIMEOUT)")

    def _plan_all(self, topology: Topology) -> _Plan:
        """Plans, and plans again while somebody finds its range taken. OSError if nothing can be planned."""
        lib, length = _lib(), ctypes.c_size_t()
        lib.call("hwloc_shmem_topology_get_length", topology, ctypes.byref(length), 0)
        written: Optional[_Plan] = None
        for generation in range(1, _PLANS + 1):
            try:
                address = self._address(length.value, generation)
                fd, file = self._make_file(f"topology.{generation}", length.value)
            except OSError:
                if written is None:
                    raise
                return written  # whoever reserved under it still has its reservation
            plan = _Plan(generation, file, 0, address, length.value, topology.abi)
            if written is not None:
                os.unlink(written.file)
                self._drop_reservation()
            written = None
            try:
                for peer in self._in("ready", "reserved", "busy"):
                    peer.tell(plan.line(), "planned", generation)
                try:
                    written = plan if self._write(topology, fd, plan) else None
                finally:
                    self._serve_until_none("planned", "telling")
            finally:
                os.close(fd)
                if written is None:
                    os.unlink(file)
            if written is not None and not self._in("busy"):
                return written
        if written is None:
            raise OSError(errno.EBUSY, "its range was taken in each of the plans")
        return written

    def _write(self, topology: Topology, fd: int, plan: _Plan) -> bool:
        """Writes, seals and reserves. False if something is mapped in the range."""
        lib = _lib()
        try:
            lib.call("hwloc_shmem_topology_write", topology, fd, plan.offset, plan.address, plan.length, 0)
            if lib.refresh is not None:
                # The seal: without it a query of memory attributes writes to the read-only pages of whoever asks (hwloc 2.3 to 2.15).
                adopted = _adopt_file(fd, plan)
                try:
                    is_writable = lib.libc.mprotect(plan.address, plan.length, _PROT_READ_WRITE) == 0
                    if not is_writable or lib.refresh(adopted) == -1:
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

    def _address(self, length: int, generation: int) -> int:
        own = _own_space().ranges
        top = max(end for _, end in own if end <= _USER_SPACE[1])  # more is given out only on demand
        occupied = _merge(itertools.chain(own, *(peer.ranges for peer in self._peers if peer.stage != "gone")))
        hole = _setting("HWLOC_SHARE_HOLE") or "scatter"
        asked = re.fullmatch(r"0x([0-9a-fA-F]{1,16})", hole)
        address: Optional[int] = None
        if asked is not None:
            wanted = int(asked[1], 16)
            is_free = all(end <= wanted or wanted + length <= start for start, end in occupied)
            address = wanted if is_free and wanted % resource.getpagesize() == 0 else None
        else:
            if hole != "scatter" and generation == 1:
                self._place.say(f"HWLOC_SHARE_HOLE={hole} is not known to a leader in Python; using scatter")
            address = _choose(occupied, length, top, f"{self._place.key}#{generation}")
        if not address:
            raise OSError(errno.ENOMEM, "no address is free in all ranks")
        return address

    def _make_file(self, name: str, length: int) -> Tuple[int, str]:
        """A file with all its room: in the channel, or where that has none in a directory of the same name in another root."""
        channel = self._channel
        here = self._spare_root or channel.root
        file = os.path.join(here, channel.name, name)
        try:
            with _directory(os.path.join(here, channel.name)) as directory:
                return _allocate(directory, name, length), file
        except OSError as error:
            trouble = f"posix_fallocate: {error.strerror}"
            number = error.errno
        for root in _roots() if self._spare_root is None else []:
            with contextlib.suppress(OSError):
                if root != here:
                    spare = self._make_spare(root, name, length)
                    self._place.say(f"{file}: {trouble}; using the next directory")
                    return spare
        raise OSError(number, f"no room for the topology: {trouble}")

    def _make_spare(self, root: str, name: str, length: int) -> Tuple[int, str]:
        channel = self._channel
        with contextlib.suppress(FileExistsError):
            os.mkdir(root, 0o700)
        with _directory(root) as at:
            _build(at, channel.name, ())
        try:
            with _directory(os.path.join(root, channel.name)) as directory:
                fd = _allocate(directory, name, length)
        except OSError:
            _remove_channel(root, channel.name)
            raise
        self._spare_root = root
        self._end.add(root)
        return fd, os.path.join(root, channel.name, name)

    def _help(self, topology: Optional[Topology], reason: str, *stages: str) -> None:
        """Sends the members in these stages to the ladder, with XML if it can be written."""
        peers = self._in(*stages)
        words: Dict[str, object] = {}
        if topology is not None and peers:
            with contextlib.suppress(OSError):
                if not self._channel.has("topology.xml"):
                    self._channel.write("topology.xml", topology.xml())
                words["xml"] = self._channel.path("topology.xml")
        words["thissystem"] = int(topology is not None and topology.is_this_system)
        for peer in peers:
            peer.tell(_message("ladder", reason=peer.reason or reason, **words), "ladder")

    def _publish(self, plan: _Plan) -> None:
        """Leaves the plan for those who come late, and sends those to it for whom there were no descriptors."""
        with contextlib.suppress(OSError):
            self._channel.publish("plan", plan.line())
        for pipe in self._away.values():
            with contextlib.suppress(OSError):
                up, down = self._open_pair(pipe)
                # It sees that nobody talks to it, finds the plan, and lets go of its end when it is through.
                os.close(down)
                poll = select.poll()
                poll.register(up, select.POLLIN)
                deadline = time.monotonic() + self._place.timeout
                while poll.poll(_milliseconds(deadline)) and os.read(up, 65536):
                    pass
                os.close(up)

    # -- what comes in

    @property
    def _wait_every(self) -> float:
        return min(1.0, self._place.timeout / 4)

    def _in(self, *stages: str) -> List[_Peer]:
        return [peer for peer in self._peers if peer.stage in stages]

    def _missing(self) -> List[int]:
        """The local ranks that are not here yet, and are waited for."""
        met = {peer.local for peer in self._peers if peer.stage not in ("hello", "ranges")}
        here = met | self._refused | set(self._away) | (self._ended - {peer.local for peer in self._peers})
        return [local for local in range(1, self._place.me.local_size) if local not in here]

    def _may_come(self) -> bool:
        """Whether a rank may still come that has no topology of this channel yet."""
        return bool(self._missing() or self._away or any(peer.is_dropped for peer in self._peers))

    def _say_of(self, ranks: Iterable[int], what: str) -> None:
        """Says what some local ranks did, if there are any."""
        local = "" if self._place.me.size == self._place.me.local_size else "local "
        names = sorted(ranks)
        if names:
            noun, them = ("rank", "it") if len(names) == 1 else ("ranks", "them")
            shown = ",".join(map(str, names[:50])) + ("..." if len(names) > 50 else "")
            self._place.say(f"{local}{noun} {shown} {what.replace('THEM', them)}")

    def _tell_to_wait(self) -> None:
        """A sign of life to all who wait."""
        line = _message("wait", missing=",".join(map(str, self._missing()[:100])))
        for peer in self._peers:
            if peer.stage not in ("ladder", "done"):
                peer.tell(line)
        if self._away:
            # Those whom there are no descriptors for see by the time of its mark that their leader lives.
            with contextlib.suppress(OSError):
                os.utime("leader", dir_fd=self._channel.fd, follow_symlinks=False)

    def _serve_until_none(self, *stages: str) -> None:
        """Serves until no member is in one of these stages. Those who take too long are dropped."""
        timeout = self._place.timeout
        deadline = time.monotonic() + timeout
        while self._in(*stages) and time.monotonic() < deadline:
            until = min(deadline, time.monotonic() + self._wait_every)
            while self._in(*stages) and time.monotonic() < until:
                self._serve(until)
            self._tell_to_wait()
        for peer in self._in(*stages):
            self._place.say(
                f"rank {peer.rank} did not answer within {timeout:g} s; going on without it (HWLOC_SHARE_TIMEOUT)"
            )
            peer.let_go(is_dropped=True)

    def _serve(self, until: Optional[float], discovery: Optional[_Discovery] = None) -> None:
        """Waits until something comes, but not beyond `until`; takes it up."""
        poll = select.poll()
        peers = {peer.up: peer for peer in self._peers if peer.up is not None}
        for fd in [*peers, self._lobby, discovery.end if discovery is not None else None]:
            if fd is not None:
                poll.register(fd, select.POLLIN)
        for fd, _ in poll.poll(_milliseconds(until)):
            if fd in peers:
                self._read_peer(peers[fd])
            elif fd == self._lobby:
                self._read_lobby(fd)

    def _read_peer(self, peer: _Peer) -> None:
        try:
            peer.read()
        except _ProtocolError as error:
            self._place.say(f"going on without rank {peer.rank}, which cannot be understood: {str(error)[:120]}")
            peer.let_go()

    def _read_lobby(self, lobby: int) -> None:
        with contextlib.suppress(BlockingIOError):
            for line in self._lobby_lines.feed(os.read(lobby, 65536)):
                if self._nonsense < 1000:
                    self._hear_announcement(line)
        if self._nonsense >= 1000:
            self._place.say("the lobby cannot be read any more: too much nonsense; going on with who has come")
            self._leave_lobby()

    def _leave_lobby(self) -> None:
        _close(self._lobby)
        self._lobby = None

    def _hear_announcement(self, line: Optional[str]) -> None:
        try:
            message = _parse(line)
            pipe = message.text("pipe")
            version, rank, local = (message.count(key) for key in ("hwloc-share", "rank", "local"))
            if message.verb != "announce" or re.fullmatch(r"[A-Za-z0-9_-]{1,64}", pipe) is None:
                raise _ProtocolError(line)
            self._admit(version, rank, local, pipe)
        except (_ProtocolError, OSError) as error:
            # A flood of it is not to flood stderr.
            self._nonsense += 1
            if self._nonsense <= 10:
                self._place.say(f"an announcement was not understood: {str(error)[:150]}")

    def _admit(self, version: int, rank: int, local: int, pipe: str) -> None:
        """Lets a member in, or tells it why not. OSError if its pipes are not what they should be: it may announce itself yet."""
        expected = self._place.me.local_size - 1
        is_known = any(peer.local == local for peer in self._peers)
        refusal = None
        if version != _VERSION:
            refusal = f"it speaks version {version} of the protocol, and the leader {_VERSION}"
        elif not 1 <= local <= expected:
            refusal = f"local rank {local} is none of the ranks 1 to {expected} that the leader expects"
        elif is_known:
            refusal = f"another process has joined as local rank {local}"
        elif len(self._peers) - len(self._in("gone")) >= self._room:
            self._away[local] = pipe
            return
        try:
            peer = _Peer(rank, local, *self._open_pair(pipe))
            if refusal is None:
                self._peers.append(peer)
                return
            peer.tell(_message("ladder", reason=refusal, thissystem=0))
            peer.let_go()
        except OSError as error:
            if error.errno != errno.ENXIO:
                raise
        # It has died since, or is none that may take part: nobody has to wait for it.
        if not is_known:
            self._refused.add(local)

    def _open_pair(self, pipe: str) -> Tuple[int, int]:
        """Opens a member's pair. OSError; ENXIO if it has died.

        `up` first: as long as the member has it open, its end will be seen by poll. A member that has `down` open has `up` open, too.
        """
        try:
            up = self._channel.fifo(f"{pipe}.up", os.O_RDONLY)
            try:
                probe = self._channel.fifo(f"{pipe}.down", os.O_WRONLY)
                try:
                    # Once more for both: then writing to a member that has died meanwhile gives no SIGPIPE.
                    return up, self._channel.fifo(f"{pipe}.down", os.O_RDWR)
                finally:
                    os.close(probe)
            except OSError:
                os.close(up)
                raise
        finally:
            # What stays behind when everybody is killed is to be as little as can be: an open FIFO needs no name.
            for end in ("up", "down"):
                self._channel.unlink(f"{pipe}.{end}")

    def _look_for_the_dead(self) -> None:
        """Looks for members that ended, or gave up, before they announced themselves: no pipe of theirs could tell by its end."""
        self._channel.keep_if_orphaned()
        self._witness.look()
        missing = set(self._missing()) - {peer.local for peer in self._peers}
        can_come = self._lobby is not None and self._channel.is_found(self._lobby)
        self._ended |= {local for local in missing if not can_come or self._witness.has_died(local)}
        for name in os.listdir(self._channel.fd):
            match = re.fullmatch(r"([0-9]{1,9})-([0-9]+)\.up", name)
            if match is None or int(match[1]) not in missing:
                continue
            try:
                # Not the other one: there, a writer that comes and goes would look like a leader that has died.
                os.close(self._channel.fifo(name, os.O_WRONLY))
                self._unattended[name] = 0
            except OSError as error:
                if error.errno == errno.ENXIO:
                    self._unattended[name] = self._unattended.get(name, 0) + 1
            # One look is not enough: a member opens its FIFOs a moment after it has made them, on a crowded node a long one.
            maker = _process(int(match[2]))
            lives = maker is not None and not maker.is_dead
            if self._unattended.get(name, 0) >= (_PATIENT_LOOKS if lives else _LOOKS):
                self._ended.add(int(match[1]))

    def _drop_reservation(self) -> None:
        if self._reservation is not None:
            self._reservation.drop()
        self._reservation = None


def _room_for_members() -> int:
    """How many members can be served at once with the descriptors that this process may open: two each."""
    limit, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return max(0, (limit - len(os.listdir("/proc/self/fd")) - _SPARE_FILES) // 2) if limit >= 0 else 1 << 30


def _allocate(directory: int, name: str, length: int) -> int:
    """A new file with all its room: a full file system kills whoever writes through a mapping."""
    flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    fd = os.open(name, flags, 0o600, dir_fd=directory)
    try:
        os.posix_fallocate(fd, 0, length)
    except OSError:
        os.close(fd)
        os.unlink(name, dir_fd=directory)
        raise
    return fd


# ---- The session ----

_Conversation = Union[_Alone, _Leader, _Member]


class Session:
    """What a rank got. A context manager: leaving it closes it."""

    def __init__(self, place: _Place, got: _Got, conversation: _Conversation) -> None:
        me = place.me
        #: The number of this process in the job, and the count of all; 0 of 1 where no launcher is known. None: the launcher does not tell.
        self.rank, self.size = me.rank, me.size
        #: The same on this node. Local rank 0 is the leader: it discovers, the others adopt.
        self.local_rank, self.local_size = me.local_rank, me.local_size
        #: The name of this node.
        self.node = me.node
        #: The topology; of no use after close().
        self.topology = got.topology
        #: "adopted" (shared), "xml" (a copy from the leader's XML) or "discovered" (its own).
        self.how = got.how
        #: Why it is not "adopted"; None if it is, or if there is nobody to share with.
        self.reason = got.reason
        #: Where the topology is mapped, and how many bytes; None and 0 unless it is "adopted".
        self.address = got.plan.address if got.plan is not None else None
        self.length = got.plan.length if got.plan is not None else 0
        #: Whether this process discovered the machine itself.
        self.did_discover = got.did_discover
        #: The CPUs and NUMA nodes that the cgroup of this process allows, as lists such as "0-3,8"; None where that cannot be told.
        self.allowed_cpus, self.allowed_mems = place.allowed
        self._conversation = conversation
        self._joins = 1

    def barrier(self) -> bool:
        """Waits until all ranks of this node that have joined are here. One that dies is not waited for; there is no timeout.

        Returns False where it was passed without the others: the leader has gone, or this rank never met it. ValueError after
        close().
        """
        self._check_open()
        return self._conversation.barrier()

    def close(self) -> None:
        """Destroys the topology and leaves the job. Waits for nobody; the other ranks keep theirs."""
        global _session
        self._joins = max(0, self._joins - 1)
        if self._joins > 0 or _session is not self:
            return
        _session = None
        self._conversation.close()
        self.topology._destroy()

    def _check_open(self) -> None:
        if self._joins == 0:
            raise ValueError("the session is closed")

    def __enter__(self) -> Session:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


_session: Optional[Session] = None


def join(timeout: Optional[float] = None, strict: Optional[bool] = None) -> Session:
    """Joins the other ranks of this node, and gets the topology that they share.

    To be called by every rank of the job, by one thread at a time. Blocks until the other ranks of the node have come, or the
    timeout (seconds up to 86,400; HWLOC_SHARE_TIMEOUT, else 30) is over. Whatever goes wrong, the rank gets a correct topology, if
    need be one of its own, and one line on stderr says why; with `strict` (HWLOC_SHARE_STRICT) it is a NotSharedError instead.
    HwlocError: libhwloc is not there, or cannot discover this machine.

    A second call in the same process gets the same session, and needs a close() of its own. Sets HWLOC_SHARE_JOINED in the
    environment, so that no child process takes itself for this rank.
    """
    global _session
    if _session is not None:  # a mapping can be adopted only once in a process
        _session._joins += 1
        return _session
    trouble: Optional[str] = None
    try:
        me = _identify(os.environ)
    except ValueError as error:
        me, trouble = _nobody(), str(error)
    if timeout is None:
        with contextlib.suppress(ValueError):
            timeout = float(_setting("HWLOC_SHARE_TIMEOUT") or 30)
    if timeout is None or not 0 < timeout <= 86400:
        timeout = 30.0
    job = _setting("HWLOC_SHARE_JOB")
    key = (me.step or "") if job is None else f"{job}.{me.step}"
    place = _Place(me, key, _own_allowed(), timeout, _is_on("HWLOC_SHARE_STRICT") if strict is None else strict)
    if trouble is not None:
        place.say(trouble)
    got, conversation = _join(place)
    _session = Session(place, got, conversation)
    if _is_on("HWLOC_SHARE_VERBOSE") and got.plan is not None:
        place.say(f"adopted the topology at 0x{got.plan.address:x}, {got.plan.length} bytes")
    return _session


def _join(place: _Place) -> Tuple[_Got, _Conversation]:
    """Joins the others, if there are any."""
    me = place.me
    if me.step is None and me.launcher is not None and me.local_size != 1:
        hidden = f"{me.launcher} does not name its jobs, and its process cannot be seen from this container"
        return _take_ladder(place, hidden), _Alone(place, hidden)
    if me.step is None or me.local_rank is None or me.local_size is None or me.local_size == 1:
        return _Got(_discover(), "discovered", did_discover=True), _Alone(place)
    alone = _Alone(place, "this rank did not meet the others")
    mark = f"{place.key}/{me.local_rank}"
    # A rank in Node adds which of its threads has joined.
    if (os.environ.get("HWLOC_SHARE_JOINED", "") + " ").startswith(mark + " "):
        return _take_ladder(place, "this rank has joined before, or its parent process has"), alone
    os.environ["HWLOC_SHARE_JOINED"] = mark
    _lib()
    name = _directory_name(place.key)
    if me.local_rank == 0:
        for root in _roots():
            _sweep(root, name)
    try:
        channel = _enter(name, place.say)
    except OSError as error:
        return _take_ladder(place, f"no channel: {_text_of(error)}"), alone
    try:
        end = _End(channel)
        rank = _Leader(place, channel, end) if me.local_rank == 0 else _Member(place, channel)
        return rank.join(), rank
    finally:
        channel.close()
