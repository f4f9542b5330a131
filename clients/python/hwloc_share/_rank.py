"""A rank in its channel: what it says, and how it follows the rounds. docs/protocol.md, sections 3 to 6."""

from __future__ import annotations

import contextlib
import errno
import os
import re
import select
import stat
import time
from typing import TYPE_CHECKING, List, NamedTuple, Optional, Tuple

from . import _channel as channels
from ._channel import LEADS, LINE, Place, ProtocolError, Roll, Round, format_line
from ._data import Pieces, Share, map_pieces, pieces_of
from ._hwloc import HwlocError, Topology, adopt, discover, load_xml, own_abi
from ._launchers import Identity, look_at
from ._maps import Reservation, own_space

if TYPE_CHECKING:
    from ._leader import Leader


class NotSharedError(RuntimeError):
    """The topology could not be shared, and `strict` rules out a private copy."""


class Gone(Exception):
    """There are no others to be reached (any more). The text says why."""


class Options(NamedTuple):
    timeout: float
    strict: bool
    io: str
    share: Optional[Share]


class Got(NamedTuple):
    """What a rank has in the end."""

    topology: Topology
    how: str
    reason: Optional[str] = None
    plan: Optional[Round] = None
    did_discover: bool = False


class Allowed(NamedTuple):
    """What the cgroup of a process allows, not what it is bound to, as lists such as `0-3,8`. None if that cannot be told."""

    cpus: Optional[str]
    mems: Optional[str]

    def differs(self, other: Allowed) -> bool:
        """One that does not know is taken to be like the other."""
        return any(None not in pair and pair[0] != pair[1] for pair in zip(self, other))


def own_allowed() -> Allowed:
    group = _first_line("/proc/self/cpuset")
    forms = ("{}/cpuset.cpus.effective", "/unified{}/cpuset.cpus.effective", "/cpuset{}/cpuset.effective_cpus", "/cpuset{}/cpuset.cpus")
    paths = [f"/sys/fs/cgroup{form.format(group)}" for form in forms] if group is not None else []
    cpus = next(filter(None, map(_first_line, paths)), None)
    # The memory nodes there are the cgroup's; the CPUs would be those of the binding.
    with contextlib.suppress(OSError), open("/proc/self/status", encoding="latin-1") as file:
        match = re.search(r"^Mems_allowed_list:\s*(\S+)$", file.read(), re.MULTILINE)
        return Allowed(cpus, match[1] if match is not None else None)
    return Allowed(cpus, None)


def _first_line(path: str) -> Optional[str]:
    with contextlib.suppress(OSError), open(path, encoding="latin-1") as file:
        return file.readline().rstrip("\n")
    return None


def text_of(error: BaseException) -> str:
    if not isinstance(error, OSError):
        return str(error)
    return ": ".join(str(word) for word in (error.filename, error.strerror) if word) or str(error)


class Stopwatch:
    """Counts the seconds, if it is asked often. Of a longer time since it was asked, one counts: this process itself was stopped."""

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
        self.allowed = own_allowed()
        self.key = ""
        self.step: Optional[str] = None  # a hash; None if the key has the step
        self.roots: List[Optional[str]] = []
        self.root = 0
        self.byte = me.rank if me.local_rank is None else me.local_rank
        self.arrived = time.monotonic()
        self.leader: Optional[Leader] = None
        self.pieces: Optional[Pieces] = None  # the data, the leader's or its own
        self.round = 0  # the number of the last one that it has seen
        self.gate: Optional[int] = None  # what a member waits at, or what the leader holds
        self.lobby: Optional[int] = None
        self._place: Optional[Place] = None
        self._reservation: Optional[Reservation] = None
        self._says: List[bytes] = []
        self._is_visitor = self._has_said_hello = self._has_seen_round = self._has_seen_first = False
        self._renewed = 0
        self._failed = 0.0
        self._silence = Stopwatch()  # of the leader
        self._patience: Optional[float] = None
        self._barriers = 0
        #: Why it cannot meet the others at barriers; None if it can.
        self.outside: Optional[str] = None

    def say(self, text: str) -> None:
        """One line on stderr: who, what, why."""
        plain = re.sub(r"[\x00-\x1f\x7f]", "?", text)  # others may have said what is in it
        line = f"hwloc-share: node {self.me.node}, rank {self.me.rank}: {plain}\n"
        with contextlib.suppress(OSError):  # a closed or full stderr is no reason to fail a job
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
        name = channels.name_of_key(self.key)
        try:
            self.root, self._place = channels.enter(self.roots, name, self.byte, self.say)
        except OSError as error:
            raise Gone(f"no directory for a channel: {text_of(error)}") from None
        self._is_visitor = self._place.is_visited

    @property
    def files_name(self) -> str:
        """The name of a directory for files that the channel has no room for."""
        return channels.name_of_key(f"{self.key}.files")

    def leave(self) -> None:
        """Leaves the channel; the last one to leave removes it, and what its leaders wrote elsewhere."""
        if self._place is None:
            return
        if self.leader is not None:
            self.roll.unlock(LEADS)  # before the gate: ranks that see its end look for a leader
        self.let_go()
        if not channels.remove_if_dead(self.roots[self.root] or "", channels.name_of_key(self.key)):
            return
        for root in filter(None, self.roots):
            channels.remove_if_dead(root, self.files_name)
            with contextlib.suppress(OSError):
                os.rmdir(root)

    def let_go(self) -> None:
        """Closes all that this process has of the channel."""
        self.close_gate()
        self.close_lobby()
        if self.leader is not None:
            self.leader.close()
        if self._place is not None:
            self._place.close()
        self._place = None

    def rest(self) -> None:
        """A rank that waits for nothing has no use for the lobby and a gate, unless it leads."""
        if self.leader is None:
            self.close_gate()
            self.close_lobby()

    def open_lobby(self) -> int:
        if self.lobby is None:
            self.lobby = channels.open_ours("lobby", os.O_RDWR, stat.S_ISFIFO, self.place.directory)
        return self.lobby

    def close_lobby(self) -> None:
        if self.lobby is not None:
            os.close(self.lobby)
        self.lobby = None

    def close_gate(self) -> None:
        if self.gate is not None:
            os.close(self.gate)
        self.gate = None

    # -- Rounds

    def read_round(self) -> Optional[Round]:
        """What was published last; None if nothing was. Raises Gone if it cannot be understood."""
        try:
            line = os.readlink("round", dir_fd=self.place.directory)
            return Round.parse(line)
        except FileNotFoundError:
            if self._has_seen_round:
                raise Gone("the channel has gone") from None
            return None
        except (OSError, ProtocolError):
            raise Gone("the leader's line cannot be understood") from None

    def _wait_a_turn(self) -> Tuple[Optional[Round], bool]:
        """Waits for a later round than the last that was seen, for a quarter of a second at most. News, and whether nobody leads."""
        is_over = False
        while True:
            # The gate first: what is published after the line was read, ends a gate that is open.
            if self.gate is None and not is_over:
                with contextlib.suppress(FileNotFoundError):
                    self.gate = channels.open_ours(f"gate.{self.round + 1}", os.O_RDONLY, stat.S_ISFIFO, self.place.directory)
            found = self.read_round()
            self._has_seen_round |= found is not None
            if found is not None and found.round > self.round:
                self.close_gate()
                self.round, self._silence = found.round, Stopwatch()
                return found, False
            if is_over or (found is not None and not self.roll.is_held(LEADS)):
                self.close_gate()
                return None, True
            if self.gate is None:
                time.sleep(0.01)
                return None, False
            poll = select.poll()
            poll.register(self.gate, 0)  # POLLHUP is always told
            if self._says:
                poll.register(self.open_lobby(), select.POLLOUT)
            # A leader that dies before its first round ends no gate.
            ready = [fd for fd, _ in poll.poll(250 if self._has_seen_round else 20)]
            self._flush()
            if self.gate not in ready:
                return None, False
            self.close_gate()
            is_over = True

    def patience(self, spread: float = 0) -> float:
        """How long to wait for ranks of which nothing is heard: no less than a second, or than this process itself needed to come."""
        if self._patience is None:
            process, since_boot = look_at(os.getpid()), time.clock_gettime(time.CLOCK_BOOTTIME)
            started = since_boot if process is None else process.start / os.sysconf("SC_CLK_TCK")
            self._patience = since_boot - started - (time.monotonic() - self.arrived)
        return min(max(1.0, self._patience, spread), self.options.timeout)

    # -- What it says

    def _say_line(self, verb: str, **words: object) -> None:
        self._says.append((format_line(verb, local=self.byte, round=self.round, **words) + "\n").encode())

    def _say_with_ranges(self, verb: str, **words: object) -> None:
        try:
            space = own_space()
        except OSError:
            space = None
        marks = {"heap": space and space.heap, "stack": space and space.stack}
        words.update({name: f"{value:x}" for name, value in marks.items() if value})
        ranges = [f" {start:x}-{end:x}" for start, end in (space.ranges if space else [])]
        for i in range(0, max(1, len(ranges)), 60):
            more = " more=1" if i + 60 < len(ranges) else ""
            head = format_line(verb if i == 0 else "ranges", local=self.byte, round=self.round, **(words if i == 0 else {}))
            self._says.append((head + "".join(ranges[i : i + 60]) + more + "\n").encode())

    def _say_hello(self) -> None:
        self._says.clear()  # what was said before was of an earlier round
        cpus, mems = (each if each and len(each) < LINE // 4 else None for each in self.allowed)
        self._say_with_ranges("hello", rank=self.me.rank, abi=f"{own_abi():x}", cpus=cpus, mems=mems)
        self._has_said_hello = True

    def _say_done(self, how: str) -> None:
        """If the leader does not hear it, its topology's file keeps its name a while longer."""
        if not self._is_visitor and self.leader is None and self.is_in:
            self._say_line("done", how=how)
            self._flush()

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
        """A file that the leader wrote. `base`: the number of its root, 0 if it is in the channel."""
        if base == 0:
            return f"{self.place.path}/{name}"
        return f"{self.roots[base]}/{self.files_name}/{name}"

    def _open_topology(self, released: Round) -> int:
        fd = channels.open_ours(self.path_of(released.base, f"topology.{released.plan}"), os.O_RDONLY, stat.S_ISREG)
        if os.fstat(fd).st_size >= released.offset + released.bytes:
            return fd
        os.close(fd)
        raise OSError(errno.EINVAL, "the topology's file is shorter than it should be")

    def adopt(self, released: Round) -> Topology:
        """Adopts a released topology, in the place of the reservation. Raises OSError."""
        self._check_abi(released)
        with channels.closing(self._open_topology(released)) as fd:
            self.drop_reservation()
            return adopt(fd, released.offset, released.at, released.bytes)

    def _check_abi(self, plan: Round) -> None:
        if plan.abi != own_abi():
            raise OSError(errno.EINVAL, f"its libhwloc has ABI 0x{own_abi():x}, the leader's 0x{plan.abi:x}")

    def take_fallback(self, reason: Optional[str], final: Optional[Round] = None) -> Got:
        """The leader's XML if there is one, else a discovery of its own. Raises NotSharedError, HwlocError."""
        self.drop_reservation()
        if reason is not None and self.options.strict:
            raise NotSharedError(reason)
        if final is not None and final.xml >= 0:
            with contextlib.suppress(OSError):
                path = self.path_of(final.xml, "topology.xml")
                with channels.closing(channels.open_ours(path, os.O_RDONLY, stat.S_ISREG)) as fd:
                    got = Got(load_xml(fd, final.thissystem == 1), "xml", reason)
                self.say(f"{reason}; using a private copy of the leader's topology")
                return got
        got = Got(discover(self.options.io), "discovered", reason, did_discover=True)
        if reason is not None:
            self.say(f"{reason}; discovered the machine on its own")
        return got

    def go_alone(self, reason: str) -> Got:
        """Goes on without the others, who do not wait for this rank from now on."""
        self.leave()
        self.outside = "this rank did not meet the others"
        return self.take_fallback(reason)

    def take_data(self, released: Optional[Round]) -> None:
        """Maps the leader's data, or makes its own."""
        if released is not None and released.offset > 0:
            try:
                with channels.closing(self._open_topology(released)) as fd:
                    self.pieces = map_pieces(fd, released.offset)
            except (OSError, ProtocolError) as error:
                self.say(f"the leader's data cannot be mapped: {text_of(error)}")
        if self.pieces is None:
            self.pieces = pieces_of(self.options.share)

    def finish(self, final: Round) -> Optional[Got]:
        """Adopts what was released, or takes the fallback. None: it waits for the leader's XML."""
        self._barriers = final.passed
        reason: Optional[str] = final.reason or "the leader gave no reason"
        got: Optional[Got] = None
        if final.verb == "release" and self._failed == 0:
            try:
                got = Got(self.adopt(final), "adopted", plan=final)
            except OSError as error:
                reason = "its range was taken" if error.errno == errno.EBUSY else text_of(error)
                if final.xml < 0 and not self._is_visitor and self.leader is None:
                    self._refusal, self._failed = reason, time.monotonic()
                    self._say_line("failed", reason=reason[:500])
                    return None
        elif final.verb == "release":
            reason = self._refusal
        got = got or self.take_fallback(reason, final)
        self.take_data(final if final.verb == "release" else None)
        self._say_done(got.how)
        if self._is_visitor:
            self.outside = "this process is not one of the leader's ranks"
        return got

    def _answer_plan(self, plan: Round) -> None:
        try:
            self._check_abi(plan)
            self.reserve(plan)
        except FileExistsError:
            self._say_with_ranges("busy")
        except OSError as error:
            self._say_line("declined", reason=text_of(error)[:500], xml=1)
        else:
            self._say_line("reserved")

    def _act(self, news: Round) -> Optional[Got]:
        """Acts on a round. What it has got, if it is through with its join."""
        if news.step and self.step and news.step != self.step and not self._is_visitor:
            self._is_visitor = True  # of another step's ranks, which do not wait for this one
            self.roll.unlock(self.byte)
            self.drop_reservation()
        if news.is_final:
            return self.finish(news)
        if self._is_visitor:
            return None
        if news.verb != "plan" or not self._has_said_hello:
            self.drop_reservation()
            self._say_hello()
        if news.verb == "plan":
            self._answer_plan(news)
        return None

    # -- Joining, and barriers

    def _may_lead(self) -> bool:
        """Whether it may try to lead while there was no leader yet: local rank 0 goes first, if it comes."""
        is_there = self.roll.is_held(0) or self.roll.is_held(LEADS)
        is_first = self.byte == 0 or self.me.local_rank is None or (self._has_seen_first and not is_there)
        self._has_seen_first |= is_there
        return is_first or time.monotonic() - self.arrived > self.patience()

    def _try_to_lead(self, may_lead: bool) -> bool:
        if not may_lead or self._is_visitor or not self.roll.lock(LEADS):
            return False
        from ._leader import Leader

        self.drop_reservation()
        self._says.clear()
        self.leader = Leader(self)
        return True

    def _check_use(self) -> None:
        """Raises Gone if there is no use in waiting on for a leader."""
        if self._is_visitor and not self.roll.is_held(LEADS) and time.monotonic() - self.arrived > self.patience():
            raise Gone("this process is not one of the ranks of its node, and nobody leads")
        renewed = os.fstat(self.roll.fd).st_mtime_ns
        if renewed != self._renewed:
            self._renewed, self._silence = renewed, Stopwatch()
        if self._silence.seconds() > self.options.timeout:
            raise Gone(f"the leader was silent for {self.options.timeout:g} s (HWLOC_SHARE_TIMEOUT)")

    def _first_look(self) -> Optional[Round]:
        if not self._is_visitor:
            self.open_lobby()
        self._silence = Stopwatch()
        found = self.read_round()
        if found is not None:
            self._has_seen_round, self.round = True, found.round
        return found

    def join(self) -> Got:
        """From the arrival to the topology, led by another rank or leading. Raises Gone, NotSharedError, HwlocError."""
        news, is_vacant = self._first_look(), False
        while True:
            if self._try_to_lead(is_vacant or (not self._has_seen_round and self._may_lead())) and self.leader is not None:
                return self.leader.join()
            if is_vacant:
                time.sleep(0.01)
            got = self._act(news) if news is not None else None
            if got is not None:
                return got
            if not self._has_seen_round and not self._has_said_hello and not self._is_visitor:
                self._say_hello()
            self._flush()
            if self._failed > 0 and time.monotonic() > self._failed + 1:
                got = self.take_fallback(self._refusal)
                self.take_data(None)
                self._say_done(got.how)
                return got
            self._check_use()
            news, is_vacant = self._wait_a_turn()

    def barrier(self) -> bool:
        """Whether all ranks of the node took part. Raises Gone."""
        self._barriers += 1
        if self.leader is not None:
            return self.leader.barrier(self._barriers)
        news, is_vacant, has_said = self._first_look(), False, False
        while True:
            if self._try_to_lead(is_vacant) and self.leader is not None:
                self.leader.take_over()
                return self.leader.barrier(self._barriers)
            if is_vacant:
                time.sleep(0.01)
            if news is not None and news.passed >= self._barriers:
                return has_said and news.passed == self._barriers and news.all == 1
            if news is not None:
                self._says.clear()
                self._say_line("barrier", number=self._barriers)
                has_said = True
            self._flush()
            news, is_vacant = self._wait_a_turn()
