"""Which rank a process is, from the variables of its launcher: docs/protocol.md, section 1."""

from __future__ import annotations

import os
import re
import socket
from typing import Iterator, Mapping, NamedTuple, Optional, Sequence, Tuple

Environment = Mapping[str, str]


class Identity(NamedTuple):
    """Who a process is in its job. None: the launcher does not tell."""

    rank: int
    size: Optional[int]
    local_rank: Optional[int]
    local_size: Optional[int]
    node: str
    step: Optional[str] = None  # None: the step has no name, or no launcher is known
    is_step_told: bool = False  # only from variables: then no two steps of a node have the same name
    launcher: Optional[str] = None


class _Process(NamedTuple):
    pid: int
    start: int  # in clock ticks after boot
    parent: int
    command: str


def look_at(pid: int) -> Optional[_Process]:
    """A process, from /proc."""
    try:
        with open(f"/proc/{pid}/stat", encoding="latin-1") as file:
            head, _, tail = file.read().rpartition(")")
        # The command is in parentheses; it can have any characters, also parentheses and spaces.
        fields = tail.split()
        return _Process(pid, int(fields[19]), int(fields[1]), head.partition("(")[2])
    except (OSError, ValueError, IndexError):
        return None


def _ancestors(pid: int) -> Iterator[_Process]:
    """A process and those above it, the nearest first."""
    process = look_at(pid)
    for _ in range(32):
        if process is None or process.pid <= 1:
            return
        yield process
        process = look_at(process.parent)


def _environment_of(pid: int) -> Optional[Environment]:
    """The variables that a process was started with. None if it has ended, or belongs to another user."""
    try:
        with open(f"/proc/{pid}/environ", "rb") as file:
            entries = os.fsdecode(file.read()).split("\0")
    except OSError:
        return None
    return dict(entry.split("=", 1) for entry in reversed(entries) if "=" in entry)


def _sees_every_process() -> bool:
    """Whether this PID namespace shows all processes of the machine."""
    return os.readlink("/proc/self/ns/pid") == "pid:[4026531836]"


class _Launcher(NamedTuple):
    """How a launcher tells a rank who it is.

    `A|B`: the first of these variables that is set. `?A`: not every version sets it. Empty: the launcher does not tell.
    """

    name: str
    variables: str  # it is this one if these are set
    rank: str
    size: str = ""
    local_rank: str = ""
    local_size: str = ""
    id: str = ""  # names the step; if it is not set, the launcher's process above the rank does
    processes: Tuple[str, ...] = ()  # how the commands of its processes above a rank begin

    def is_set_in(self, env: Environment) -> bool:
        """Whether its variables are set, and not by another launcher that sets them for an MPI library."""
        if any(_value(env, names) is None for names in self.variables.split()):
            return False
        if self.name == "pals":
            return "SLURM_PROCID" not in env
        if self.name == "mpich":
            return _value(env, "I_MPI_MPIRUN|I_MPI_HYDRA_TOPOLIB") is None
        return self.name != "pmix" or env.get("OMPI_COMM_WORLD_RANK") != env["PMIX_RANK"]

    def has_set(self, env: Environment, theirs: Optional[Environment]) -> bool:
        """Whether a process was started without its variables, or with other values: it gave them to its children."""
        return theirs is not None and any(
            env.get(name) != theirs.get(name) for name in re.split("[ |]", self.variables)
        )

    def daemon(self) -> Optional[_Process]:
        """The launcher's process above this rank; None if it cannot be seen."""
        for process in _ancestors(os.getppid()):
            theirs = _environment_of(process.pid) if self.name == "torchrun" else None
            if (theirs is not None and "TORCHELASTIC_RUN_ID" not in theirs) or process.command.startswith(
                self.processes
            ):
                return process
        return None


# In the order of docs/protocol.md. test/launcher/kinds/environments.json shows what each of them sets.
_HYDRA = ("PMI_RANK|PMI_ID", "?PMI_SIZE", "MPI_LOCALRANKID", "MPI_LOCALNRANKS", "", ("hydra_pmi_proxy", "pmi_proxy"))
_NAMES = ("RANK", "SIZE", "LOCAL_RANK", "LOCAL_SIZE")
_PREFIXES = ("HWLOC_SHARE_", "JSM_NAMESPACE_", "MV2_COMM_WORLD_", "OMPI_COMM_WORLD_")
_LOCAL, _JSM, _MV2, _OMPI = (tuple(prefix + name for name in _NAMES) for prefix in _PREFIXES)
_OMPI += ("?PMIX_NAMESPACE|OMPI_MCA_ess_base_jobid",)
_TORCH = ("RANK", "WORLD_SIZE", "LOCAL_RANK", "LOCAL_WORLD_SIZE", "TORCHELASTIC_RUN_ID")
# The local size holds if FLUX_JOB_NNODES is 1.
_FLUX = ("FLUX_TASK_RANK", "FLUX_JOB_SIZE", "FLUX_TASK_LOCAL_ID", "FLUX_JOB_SIZE", "FLUX_JOB_ID")
_PALS = ("PALS_RANKID", "?PMI_SIZE", "PALS_LOCAL_RANKID", "?PALS_LOCAL_SIZE|PMI_LOCAL_SIZE", "PALS_APID")
# The local size is item SLURM_NODEID of the list; SLURM_STEP_ID is part of the step's name, too.
_SLURM = ("SLURM_PROCID", "SLURM_STEP_NUM_TASKS", "SLURM_LOCALID", "SLURM_STEP_TASKS_PER_NODE", "SLURM_JOB_ID")
_LAUNCHERS = (
    _Launcher("local", "HWLOC_SHARE_RANK", *_LOCAL),
    _Launcher("torchrun", "TORCHELASTIC_RUN_ID LOCAL_RANK", *_TORCH),
    _Launcher("flux", "FLUX_TASK_RANK FLUX_TASK_LOCAL_ID", *_FLUX, ("flux-shell",)),
    _Launcher("jsm", "JSM_NAMESPACE_RANK", *_JSM, "?PMIX_NAMESPACE", ("jsmd",)),
    _Launcher("openmpi", "OMPI_COMM_WORLD_RANK", *_OMPI, ("orted", "orterun", "prte", "mpirun", "mpiexec")),
    _Launcher("pals", "PALS_RANKID PALS_LOCAL_RANKID", *_PALS, ("palsd",)),
    _Launcher("intelmpi", "I_MPI_MPIRUN|I_MPI_HYDRA_TOPOLIB PMI_RANK|PMI_ID MPI_LOCALRANKID", *_HYDRA),
    _Launcher("mpich", "PMI_RANK|PMI_ID MPI_LOCALRANKID", *_HYDRA),
    _Launcher("mvapich2", "MV2_COMM_WORLD_RANK", *_MV2, "", ("mpispawn",)),
    _Launcher("alps", "ALPS_APP_PE", "ALPS_APP_PE", id="ALPS_APP_ID", processes=("apinit", "apshepherd")),
    _Launcher("slurm", "SLURM_PROCID SLURM_STEP_TASKS_PER_NODE", *_SLURM, ("slurmstepd",)),
    _Launcher("pmix", "PMIX_RANK PMIX_NAMESPACE", "PMIX_RANK", id="PMIX_NAMESPACE", processes=("prte", "prun")),
)


def _value(env: Environment, names: str) -> Optional[str]:
    """The value of the first of these names that is set."""
    return next((env[name] for name in names.lstrip("?").split("|") if name in env), None)


def _innermost(launchers: Sequence[_Launcher], env: Environment, parent: int) -> _Launcher:
    """Of several launchers, the one with the nearest process above the rank; the first if none can be seen."""
    for process in _ancestors(parent):
        theirs = _environment_of(process.pid)
        # The name of a process is a better sign than the variables that it gave to its children.
        signs = [2 * process.command.startswith(each.processes) + each.has_set(env, theirs) for each in launchers]
        if max(signs) > 0:
            return launchers[signs.index(max(signs))]
    return launchers[0]


def nobody() -> Identity:
    """A process that no launcher started."""
    return Identity(0, 1, 0, 1, socket.gethostname())


def identify(env: Environment, parent: Optional[int] = None) -> Identity:
    """Who a process with these variables and this parent is. ValueError says what is wrong with them."""
    found = [launcher for launcher in _LAUNCHERS if launcher.is_set_in(env)]
    if not found:
        return nobody()
    launcher = found[0] if len(found) == 1 else _innermost(found, env, os.getppid() if parent is None else parent)

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
        local_size: Optional[int] = _tasks_on_node(env[launcher.local_size], count("SLURM_NODEID") or 0)
    else:
        local_size = count(launcher.local_size)
    if launcher.name in ("openmpi", "pmix"):
        node = env.get("PMIX_HOSTNAME")
    # Flux does not tell how many tasks are on each of several nodes.
    if launcher.name == "flux" and count("FLUX_JOB_NNODES") != 1:
        local_size = None
    if local_rank is not None and local_size is not None and local_rank >= local_size:
        raise ValueError(f"it cannot be local rank {local_rank} of {local_size}; this process takes itself to be alone")
    node = socket.gethostname() if node is None else node
    step, is_told = _step_of(launcher, env)
    return Identity(rank or 0, size, local_rank, local_size, node, step and f"{step}@{node}", is_told, launcher.name)


def _step_of(launcher: _Launcher, env: Environment) -> Tuple[Optional[str], bool]:
    """The name of the job step on a node, and whether variables alone tell it.

    None: the launcher has no name for it, and its process cannot be seen from this container.
    """

    def text(name: str) -> str:
        if env.get(name, "") == "":
            raise ValueError(f"{name}: a name was expected; this process takes itself to be alone")
        return env[name]

    id = _value(env, launcher.id)
    if launcher.id != "" and not launcher.id.startswith("?"):
        text(launcher.id)
    if launcher.name == "local":
        return "local", False
    if launcher.name == "slurm":
        return f"slurm-{id}.{text('SLURM_STEP_ID')}", True
    if launcher.name == "flux":
        # Tells the instances and the brokers of one host apart: both have the broker's directory in them.
        place = _value(env, "FLUX_JOB_TMPDIR|FLUX_URI")
        return (f"flux-{id}" if place is None else f"flux-{id}-{place}"), True
    if id is not None and launcher.name != "torchrun":
        return f"{launcher.name}-{id}", True
    seen = launcher.daemon()
    daemon = seen or look_at(os.getppid())
    above = "0-0" if daemon is None else f"{daemon.pid}-{daemon.start}"
    if launcher.name == "torchrun":
        return f"torchrun-{id}.{env.get('TORCHELASTIC_RESTART_COUNT', '0')}-{above}", False
    if launcher.name == "openmpi":
        return f"openmpi-{above.partition('-')[0]}", False
    if seen is not None or _sees_every_process():
        return f"{launcher.name}-{above}", False
    # A container hides it. If the wrapper started this launcher, the wrapper's name for the job is enough.
    is_named = "HWLOC_SHARE_JOB" in env and env.get("HWLOC_SHARE_LAUNCHER") == launcher.name
    return (launcher.name if is_named else None), False


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
