"""A rank in its channel: what it says, and how it follows the rounds. docs/protocol.md, sections 3 to 6."""

from __future__ import annotations

import contextlib
import errno
import os
import re
import select
import stat
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Callable, Dict, List, NamedTuple, Optional, Tuple

from . import _channel as channels
from ._channel import LEADS, LINE, Place, ProtocolError, Roll, Round, format_line
from ._data import Pieces, Share, map_pieces, pieces_of
from ._hwloc import INCLUDE_DISALLOWED, IS_THISSYSTEM, HwlocError, Topology, adopt, discover, own_abi, setting
from ._launchers import Identity, look_at
from ._maps import Reservation, own_space

if TYPE_CHECKING:
    from ._leader import Leader


class NotSharedError(RuntimeError):
    """The topology could not be shared, and `strict` rules out a private copy."""


class Gone(Exception):
    """The other ranks cannot be reached, or not any more. The text says why."""


class OtherTopologyError(Exception):
    """This rank asks for another topology than the leader does."""


class Options(NamedTuple):
    timeout: float
    strict: bool
    io: str
    share: Optional[Share]


class Got(NamedTuple):
    """What a rank gets."""

    topology: Topology
    how: str
    reason: Optional[str] = None
    plan: Optional[Round] = None
    did_discover: bool = False


class Allowed(NamedTuple):
    """What the cgroup of a process allows (it may be bound to less), as lists such as `0-3,8`. None: not known."""

    cpus: Optional[str]
    mems: Optional[str]

    def differs(self, other: Allowed) -> bool:
        """A list that is not known differs from none."""
        return any(None not in pair and pair[0] != pair[1] for pair in zip(self, other))


def own_allowed() -> Allowed:
    unified, legacy = "cpuset.cpus.effective", ("cpuset.effective_cpus", "cpuset.cpus")
    group, root = _find("^(.*)$", "/proc/self/cpuset"), "/sys/fs/cgroup"
    paths = [
        f"{root}{group}/{unified}",
        f"{root}/unified{group}/{unified}",
        *(f"{root}/cpuset{group}/{name}" for name in legacy),
    ]
    cpus = next(filter(None, (_find("^(.+)$", path) for path in paths if group is not None)), None)
    # Only the NUMA nodes there are the cgroup's: the CPUs are those that the process is bound to.
    return Allowed(cpus, _find(r"^Mems_allowed_list:\s*(\S+)$", "/proc/self/status"))


def _find(pattern: str, path: str) -> Optional[str]:
    with contextlib.suppress(OSError), open(path, encoding="latin-1") as file:
        match = re.search(pattern, file.read(), re.MULTILINE)
        return None if match is None else match[1]
    return None


def own_shape() -> str:
    """The `shape` of docs/protocol.md: which topology this rank asks for."""
    names = ["HWLOC_SYNTHETIC", "HWLOC_XMLFILE", "HWLOC_FSROOT", "HWLOC_CPUID_PATH", "HWLOC_COMPONENTS"]
    if setting("HWLOC_SHARE_XMLFILE"):  # of the wrapper: it has the topology of this job
        names.remove("HWLOC_XMLFILE")
    asked = "".join(f"{name}={setting(name)}\n" for name in names if setting(name))
    value = channels.hash_of_key(asked)
    return f"{(value ^ value >> 24) & 0xFFFFFF:06x}" if asked else ""


def text_of(error: BaseException) -> str:
    if not isinstance(error, OSError):
        return str(error)
    return ": ".join(str(word) for word in (error.filename, error.strerror) if word) or str(error)


class Stopwatch:
    """Counts seconds between its calls. A longer pause counts as one second: this process itself was stopped."""

    def __init__(self) -> None:
        self._counted, self._asked = 0.0, time.monotonic()

    def seconds(self) -> float:
        now = time.monotonic()
        self._counted += min(now - self._asked, 1)
        self._asked = now
        return self._counted


class Rank:
    """This process in its job."""

    def __init__(self, me: Identity, options: Options) -> None:
        self.me, self.options = me, options
        self.allowed, self.shape = own_allowed(), own_shape()
        self.key = ""
        self.step: Optional[str] = None  # for the link `step`; None if the channel needs none
        self.roots: List[Optional[str]] = []
        self.root = 0
        self.byte = me.rank if me.local_rank is None else me.local_rank
        self.expected = me.size if me.local_size is None else me.local_size
        self.arrived, self._busy = time.monotonic(), time.process_time()
        self.topology: Optional[Topology] = None  # after the join
        self.leader: Optional[Leader] = None
        self.pieces: Optional[Pieces] = None  # the leader's data, or its own
        self.round = 0  # the last one that it has seen
        self.fds: Dict[str, int] = {}  # the lobby; the gate that a member waits at, or that the leader holds open
        self._place: Optional[Place] = None
        self._reservation: Optional[Reservation] = None
        self._says: List[bytes] = []
        self._is_visitor = self._has_said_hello = self._has_seen_round = self._has_seen_first = False
        self._renewed = 0  # when the leader last showed that it is alive
        self._silence = Stopwatch()  # of the leader
        self._failed, self._refusal = 0.0, ""  # when and why it could not adopt
        self._released: Optional[Round] = None  # what it could not adopt
        self._wants_own = ""  # why it wants another topology than the leader
        self._patience: Optional[float] = None
        self._barriers = 0
        #: Why it cannot meet the others at barriers; None if it can.
        self.outside: Optional[str] = None

    def say(self, text: str) -> None:
        """One line on stderr: who, what, why."""
        plain = re.sub(r"[\x00-\x1f\x7f]", "?", text)  # the text may come from other processes
        line = f"hwloc-share: node {self.me.node}, rank {self.me.rank}: {plain}\n"
        with contextlib.suppress(OSError):  # stderr is closed or full: the job goes on
            os.write(2, line.encode("utf-8", "surrogateescape"))

    # -- The channel

    @property
    def place(self) -> Place:
        if self._place is None:
            raise Gone("this rank has left the channel")
        return self._place

    @property
    def roll(self) -> Roll:
        return self.place.roll

    @property
    def is_in(self) -> bool:
        return self._place is not None

    def enter(self) -> None:
        """Raises Gone."""
        self.roots = channels.find_roots()
        try:
            try:
                self._enter(self.key, self.step)
            except channels.OtherStepError:
                self.key = f"{setting('HWLOC_SHARE_JOB')}.{self.step}"
                self._enter(self.key, None)
        except OSError as error:
            raise Gone(f"no directory for a channel: {text_of(error)}") from None

    def _enter(self, key: str, step: Optional[str]) -> None:
        self.root, self._place = channels.enter(self.roots, channels.name_of_key(key), self.byte, step, self.say)
        self._is_visitor = self._place.is_visited

    @property
    def files_name(self) -> str:
        """The name of a directory for files that the channel has no room for."""
        return channels.name_of_key(f"{self.key}.files")

    def leave(self) -> None:
        """Leaves the channel. The last rank to leave removes it, and what leaders wrote elsewhere."""
        if self._place is None:
            return
        if self.leader is not None:
            self.roll.unlock(LEADS)  # first: when the gate ends, ranks look for a leader
        self.let_go()
        if not channels.remove_if_dead(self.roots[self.root] or "", channels.name_of_key(self.key)):
            return
        for root in filter(None, self.roots):
            channels.remove_if_dead(root, self.files_name)
            with contextlib.suppress(OSError):
                os.rmdir(root)

    def let_go(self) -> None:
        """Closes all that this process has of the channel."""
        self.close("gate", "lobby")
        if self.leader is not None:
            self.leader.close()
        if self._place is not None:
            self._place.close()
        self._place = None

    def close(self, *names: str) -> None:
        for fd in [self.fds.pop(name) for name in names if name in self.fds]:
            os.close(fd)

    def rest(self) -> None:
        """Closes what a rank needs only while it waits; a leader keeps it."""
        if self.leader is None:
            self.close("gate", "lobby")

    def open_lobby(self) -> int:
        if "lobby" not in self.fds:
            self.fds["lobby"] = channels.open_ours("lobby", os.O_RDWR, stat.S_ISFIFO, self.place.directory)
        return self.fds["lobby"]

    # -- Rounds

    def read_round(self) -> Optional[Round]:
        """The last round; None if there is none yet. Raises Gone if its line cannot be understood."""
        try:
            return Round.parse(os.readlink("round", dir_fd=self.place.directory))
        except FileNotFoundError:
            if self._has_seen_round:
                raise Gone("the channel has gone") from None
            return None
        except (OSError, ProtocolError):
            raise Gone("the leader's line cannot be understood") from None

    def _wait_a_turn(self) -> Tuple[Optional[Round], bool]:
        """Waits for the next round, a quarter of a second at most. Returns it, and whether nobody leads."""
        for is_over in (False, True):
            # The gate first: a round that is published after the line was read ends a gate that is open.
            if "gate" not in self.fds and not is_over:
                with contextlib.suppress(FileNotFoundError):
                    gate = f"gate.{self.round + 1}"
                    self.fds["gate"] = channels.open_ours(gate, os.O_RDONLY, stat.S_ISFIFO, self.place.directory)
            found = self.read_round()
            self._has_seen_round |= found is not None
            if found is not None and found.round > self.round:
                self.close("gate")
                self.round, self._silence = found.round, Stopwatch()
                return found, False
            if is_over or (found is not None and not self.roll.is_held(LEADS)):
                self.close("gate")
                return None, True
            if "gate" not in self.fds:
                time.sleep(0.01)
                return None, False
            poll = select.poll()
            poll.register(self.fds["gate"], 0)  # POLLHUP is always told
            # If the lobby was full, try again soon. A leader that dies before its first round ends no gate.
            if not poll.poll(5 if self._says else 250 if self._has_seen_round else 20):
                return None, False
            self.close("gate")
        return None, True

    def patience(self, spread: float = 0) -> float:
        """The while of docs/protocol.md. `spread`: the time between the first and the last arrival."""
        if self._patience is None:
            process, since_boot = look_at(os.getpid()), time.clock_gettime(time.CLOCK_BOOTTIME)
            started = since_boot if process is None else process.start / os.sysconf("SC_CLK_TCK")
            self._patience = since_boot - started - (time.monotonic() - self.arrived)
        everybody = self._busy * (self.me.local_size or 1) / (os.cpu_count() or 1)
        return min(max(1.0, self._patience, everybody, spread), self.options.timeout)

    # -- What it says

    def _say_line(self, verb: str, **words: object) -> None:
        self._says.append((format_line(verb, local=self.byte, round=self.round, **words) + "\n").encode())

    def _say_with_ranges(self, verb: str, **words: object) -> None:
        ranges: List[str] = []
        with contextlib.suppress(OSError):
            space = own_space()
            words.update(heap=space.heap and f"{space.heap:x}", stack=space.stack and f"{space.stack:x}")
            ranges = [f" {start:x}-{end:x}" for start, end in space.ranges]
        for i in range(0, max(1, len(ranges)), 60):
            more = " more=1" if i + 60 < len(ranges) else ""
            head = format_line(verb, local=self.byte, round=self.round, **words)
            self._says.append((head + "".join(ranges[i : i + 60]) + more + "\n").encode())
            verb, words = "ranges", {}

    def _say_hello(self) -> None:
        self._says.clear()  # what it said before was for an earlier round
        cpus, mems = (each if each and len(each) < LINE // 4 else None for each in self.allowed)
        self._say_with_ranges("hello", rank=self.me.rank, abi=f"{own_abi():x}", cpus=cpus, mems=mems)
        self._has_said_hello = True

    def _flush(self) -> None:
        """Writes what it says, each line in one write, as long as the lobby has room."""
        with contextlib.suppress(BlockingIOError):
            while self._says:
                os.write(self.open_lobby(), self._says[0])
                self._says.pop(0)

    # -- What it does

    def drop_reservation(self) -> None:
        if self._reservation is not None:
            self._reservation.drop()
        self._reservation = None

    def reserve(self, plan: Round) -> None:
        """Raises FileExistsError, OSError."""
        self.drop_reservation()
        self._reservation = Reservation(plan.at, plan.bytes)

    def path_of(self, base: int, name: str) -> str:
        """The path of a file that the leader wrote, in the root of this number, or (0) in the channel."""
        return f"{self.place.path}/{name}" if base == 0 else f"{self.roots[base]}/{self.files_name}/{name}"

    def _open_topology(self, released: Round) -> int:
        fd = channels.open_ours(self.path_of(released.base, f"topology.{released.plan}"), os.O_RDONLY, stat.S_ISREG)
        if os.fstat(fd).st_size >= released.offset + released.bytes:
            return fd
        os.close(fd)
        raise OSError(errno.EINVAL, "the topology's file is shorter than it should be")

    def adopt(self, released: Round) -> Topology:
        """Adopts a released topology, at the range that it has reserved. Raises OtherTopologyError, OSError."""
        self._check(released)
        with channels.closing(self._open_topology(released)) as fd:
            self.drop_reservation()
            return adopt(fd, released.offset, released.at, released.bytes)

    def _check(self, plan: Round) -> None:
        """Checks that this rank can adopt a topology at all. Raises OtherTopologyError, OSError."""
        if plan.shape != self.shape:
            raise OtherTopologyError(
                "it asks for another topology than the leader does "
                "(HWLOC_SYNTHETIC, HWLOC_XMLFILE, HWLOC_FSROOT, HWLOC_CPUID_PATH or HWLOC_COMPONENTS)"
            )
        if plan.abi != own_abi():
            raise OSError(errno.EINVAL, f"its libhwloc has ABI 0x{own_abi():x}, the leader's 0x{plan.abi:x}")

    def _take_fallback(self, reason: Optional[str], final: Optional[Round]) -> Got:
        """Loads the leader's XML if there is one, else discovers the machine. Raises NotSharedError, HwlocError."""
        self.drop_reservation()
        if reason is not None and self.options.strict:
            raise NotSharedError(reason)
        if self.leader is not None and self.leader.topology is not None:
            got, what = Got(self.leader.topology, "discovered", reason), "keeping its own copy of the topology"
        else:
            got, what = self._load_xml(reason, final), "using a private copy of the leader's topology"
        if got is None:
            got, what = Got(discover(self.options.io), "discovered", reason), "discovered the machine on its own"
        if reason is not None:
            self.say(f"{reason}; {what}")
        return got._replace(did_discover=got.how == "discovered")

    def _load_xml(self, reason: Optional[str], final: Optional[Round]) -> Optional[Got]:
        with contextlib.suppress(OSError):
            if final is not None and final.xml >= 0:
                flags = INCLUDE_DISALLOWED | (IS_THISSYSTEM if final.thissystem == 1 else 0)
                path = self.path_of(final.xml, "topology.xml")
                with channels.closing(channels.open_ours(path, os.O_RDONLY, stat.S_ISREG)) as fd:
                    return Got(discover("all", flags, fd), "xml", reason)
        return None

    def conclude(self, final: Optional[Round], reason: Optional[str] = None, got: Optional[Got] = None) -> Got:
        """Ends a join: takes the fallback if it has no topology yet, takes the data, says `done`.

        Raises NotSharedError, HwlocError.
        """
        got = got or self._take_fallback(reason, final)
        self.topology = got.topology
        if final is not None and final.verb == "release" and final.offset > 0:
            try:
                with channels.closing(self._open_topology(final)) as fd:
                    self.pieces = map_pieces(fd, final.offset)
            except (OSError, ProtocolError) as error:
                self.say(f"the leader's data cannot be mapped: {text_of(error)}")
        if self.pieces is None:
            self.pieces = pieces_of(self.options.share)
        if self._is_visitor:
            self.outside = "this process is not one of the leader's ranks"
        elif self.leader is None and self.is_in:
            # If nobody hears it, the topology's file only keeps its name longer.
            self._say_line("done", how=got.how)
            self._flush()
        return got

    def go_alone(self, reason: str) -> Got:
        """Leaves the others, who then do not wait for this rank, and takes the fallback."""
        self.leave()
        self.outside = "this rank did not meet the others"
        return self.conclude(None, reason)

    def finish(self, final: Round) -> Optional[Got]:
        """Adopts what was released, or takes the fallback. None: it waits for the leader's XML."""
        self._barriers = final.passed
        if final.verb == "fallback":
            xml = -1 if self._wants_own or final.shape != self.shape else final.xml
            reason = self._wants_own or final.reason or "the leader gave no reason"
            return self.conclude(replace(final, xml=xml), reason)
        if self._released is None:
            try:
                got = Got(self.adopt(final), "adopted", plan=final)
            except OtherTopologyError as error:
                return self.conclude(replace(final, xml=-1), str(error))
            except OSError as error:
                self._refusal = "its range was taken" if error.errno == errno.EBUSY else text_of(error)
            else:
                return self.conclude(final, got=got)
        if final.xml >= 0 or self._is_visitor or self.leader is not None:
            return self.conclude(final, self._refusal)
        if self._released is None:
            self._failed, self._released = time.monotonic(), final
            self._say_line("failed", reason=self._refusal[:500])
        return None

    def _answer_plan(self, plan: Round) -> None:
        self._wants_own = ""
        try:
            self._check(plan)
            self.reserve(plan)
        except FileExistsError:
            self._say_with_ranges("busy")
        except OtherTopologyError as error:
            self._wants_own = str(error)
            self._say_line("declined", reason=error)
        except OSError as error:
            self._say_line("declined", reason=text_of(error)[:500], xml=1)
        else:
            self._say_line("reserved")

    def _act_in_join(self, news: Optional[Round]) -> Optional[Got]:
        """Acts on a round, if there is news. Returns what it got, if its join is over. Raises Gone."""
        if news is not None and news.is_final:
            got = self.finish(news)
            if got is not None:
                return got
        elif news is not None and not self._is_visitor:
            if news.verb != "plan" or not self._has_said_hello:
                self.drop_reservation()
                self._say_hello()
            if news.verb == "plan":
                self._answer_plan(news)
        elif not self._is_visitor and not self._has_seen_round and not self._has_said_hello:
            self._say_hello()
        if self._released is not None and time.monotonic() > self._failed + 1:
            return self.conclude(self._released, self._refusal)
        self._check_use()
        return None

    def _act_at_barrier(self, news: Optional[Round]) -> Optional[bool]:
        """Acts on a round at a barrier. Returns whether all took part, if it is passed."""
        if news is None:
            return None
        if news.passed >= self._barriers:
            return self._has_said_barrier and news.passed == self._barriers and news.all == 1
        self._says.clear()
        self._say_line("barrier", number=self._barriers)
        self._has_said_barrier = True
        return None

    # -- Joining, and barriers

    def _may_lead(self) -> bool:
        """Whether it may try to become the first leader. Local rank 0 goes first, if it comes."""
        is_there = self.roll.is_held(0) or self.roll.is_held(LEADS)
        is_first = self.byte == 0 or self.me.local_rank is None or (self._has_seen_first and not is_there)
        self._has_seen_first |= is_there
        return is_first or time.monotonic() - self.arrived > self.patience()

    def _try_to_lead(self) -> bool:
        if self._is_visitor or not self.roll.lock(LEADS):
            return False
        from ._leader import Leader

        self.drop_reservation()
        self._says.clear()
        self.leader = Leader(self)
        return True

    def _check_use(self) -> None:
        """Raises Gone if it gives up waiting for the leader."""
        if self._is_visitor and not self.roll.is_held(LEADS) and time.monotonic() - self.arrived > self.patience():
            raise Gone("this process is not one of the ranks of its node, and nobody leads")
        renewed = os.fstat(self.roll.fd).st_mtime_ns
        if renewed != self._renewed:
            self._renewed, self._silence = renewed, Stopwatch()
        if self._silence.seconds() > self.options.timeout:
            raise Gone(f"the leader was silent for {self.options.timeout:g} s (HWLOC_SHARE_TIMEOUT)")

    def _follow(self, act: Callable[[Optional[Round]], Any], lead: Callable[[Leader], Any]) -> Any:
        """Follows the rounds until `act` returns something, or it leads."""
        if not self._is_visitor:
            self.open_lobby()
        self._silence = Stopwatch()
        news, is_vacant = self.read_round(), False
        if news is not None:
            self._has_seen_round, self.round = True, news.round
        while True:
            may_lead = is_vacant or (not self._has_seen_round and self._may_lead())
            if may_lead and self._try_to_lead() and self.leader is not None:
                return lead(self.leader)
            if is_vacant:
                time.sleep(0.01)
            result = act(news)
            if result is not None:
                return result
            self._flush()
            news, is_vacant = self._wait_a_turn()

    def join(self) -> Got:
        """Gets a topology, as a member or as the leader. Raises Gone, NotSharedError, HwlocError."""
        got: Got = self._follow(self._act_in_join, lambda leader: leader.join())
        return got

    def barrier(self) -> bool:
        """Whether all ranks of the node took part. Raises Gone."""
        self._barriers += 1
        self._has_said_barrier = False
        if self.leader is not None:
            return self.leader.barrier(self._barriers)
        return bool(self._follow(self._act_at_barrier, lambda leader: leader.take_over_barrier(self._barriers)))
