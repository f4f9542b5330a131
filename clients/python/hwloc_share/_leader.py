"""A rank that leads: it gathers the others, negotiates an address, writes the topology and opens barriers."""

from __future__ import annotations

import contextlib
import errno
import mmap
import os
import re
import select
import stat
import threading
import time
from dataclasses import dataclass, field, replace
from typing import Callable, Dict, List, Optional, Union

from . import _channel as channels
from ._channel import LEADS, LINE, SHORT_LINK, Place, ProtocolError, Range, Round, number, parse_line
from ._data import lay_out, pieces_of
from ._hwloc import INCLUDE_DISALLOWED, HwlocError, Topology, discover, setting, shared_length, write
from ._maps import choose, make_writable, merge, own_space
from ._rank import Allowed, Gone, Got, Rank, Stopwatch, text_of

_PLANS = 5  # after so many plans, ranks whose range is still taken use the fallback
_MOST_DEATHS = 2  # deaths of leaders in one join: the discovery itself may kill them
_MOST_RANGES = 65536  # that one rank may tell


@dataclass
class _Member:
    """Another rank, as its leader knows it."""

    local: int
    is_here: bool = False  # has said all of its hello, or has answered
    is_talking: bool = False  # more lines are to come
    has_ended: bool = False  # its byte was locked, and is not locked any more
    is_done: bool = False
    wants_xml: bool = False
    has_failed: bool = False  # could not adopt, and waits for XML
    answer: Optional[str] = None  # to the plan
    ranges: List[Range] = field(default_factory=list)
    allowed: Allowed = Allowed(None, None)
    barrier: int = 0  # the last one that it has come to

    @property
    def owes_answer(self) -> bool:
        return self.is_here and (self.answer is None or self.is_talking) and not self.has_ended and not self.is_done


class _Discovery(threading.Thread):
    """A discovery in its own thread: it may take long, and the leader must show meanwhile that it is alive."""

    def __init__(self, io: str, flags: int = 0) -> None:
        super().__init__(daemon=True)
        self._io, self._flags = io, flags
        self._result: Union[Topology, Exception, None] = None
        #: The reading end of a pipe, which ends when the thread is through.
        self.end, self._own_end = os.pipe2(os.O_CLOEXEC)
        self.start()

    def run(self) -> None:
        try:
            self._result = discover(self._io, self._flags)
        except Exception as error:
            self._result = error
        os.close(self._own_end)

    def result(self) -> Topology:
        self.join()
        os.close(self.end)
        if isinstance(self._result, Topology):
            return self._result
        raise self._result or HwlocError(0, "hwloc_topology_load: it did not say why")


class Leader:
    """What a rank has and does only as the leader."""

    def __init__(self, rank: Rank) -> None:
        self._rank = rank
        self._members: Dict[int, _Member] = {}
        self._last = 0.0  # when the last rank came
        self._had_gathered = False  # the leader before it had: it waits only for ranks that are there
        self._heard = b""  # read from the lobby, and not handled yet
        self._is_skipping = False
        self._nonsense = 0
        self._next_renewal = 0.0
        self._discovery: Optional[_Discovery] = None
        self.topology: Optional[Topology] = None  # until it has adopted the one that it wrote
        self._store: Optional[Place] = None  # the directory for the topology, if that is not the channel
        self._base = 0  # the number of its root
        self._file: Optional[int] = None
        self._file_path = ""
        self._data_length, self._parts = 0, []  # the data, and its parts with their offsets
        self._deaths = 0
        self._final: Optional[Round] = None
        self._look()

    def close(self) -> None:
        if self._store is not None:
            self._store.close()
        self._store = None

    # -- Rounds

    def _hold_gate(self, gate: int) -> int:
        directory = self._rank.place.directory
        with contextlib.suppress(FileExistsError):
            os.mkfifo(f"gate.{gate}", 0o600, dir_fd=directory)
        # Not O_WRONLY, which fails while nobody waits.
        return channels.open_ours(f"gate.{gate}", os.O_RDWR, stat.S_ISFIFO, directory)

    def _replace_line(self, line: str) -> None:
        directory = self._rank.place.directory
        with contextlib.suppress(FileNotFoundError):
            os.unlink("round.new", dir_fd=directory)  # of a leader that died
        os.symlink(line, "round.new", dir_fd=directory)
        os.rename("round.new", "round", src_dir_fd=directory, dst_dir_fd=directory)

    def _publish(self, news: Round) -> Round:
        """Publishes the next round: replaces the line, and ends the gate at which the others wait. Raises Gone."""
        rank = self._rank
        news = replace(news, round=rank.round + 1, leader=rank.byte)
        if news.verb == "plan":
            news = replace(news, plan=news.round)
        while len(news.line()) > SHORT_LINK and news.reason:  # a full file system has no room for a long line
            news = replace(news, reason=news.reason[:-1])
        try:
            following = self._hold_gate(rank.round + 2)
            self._replace_line(news.line())
        except OSError as error:
            raise Gone(f"the leader's line cannot be published: {text_of(error)}") from None
        rank.close("gate")
        with contextlib.suppress(FileNotFoundError):
            os.unlink(f"gate.{news.round}", dir_fd=rank.place.directory)
        rank.fds["gate"], rank.round = following, news.round
        return news

    def take_over(self) -> Optional[Round]:
        """Takes over from another leader, or begins. Returns the final round if the join is over. Raises Gone."""
        final = self._take_over()
        self._read_lobby()
        self._last = self._rank.arrived  # ranks that are there, or have said hello, count as arrived with it
        return final

    def _take_over(self) -> Optional[Round]:
        rank, last = self._rank, self._rank.read_round()
        rank.close("gate")
        try:
            if last is None:
                self._replace_line(Round("lead", leader=rank.byte).line())
            rank.round = 0 if last is None else last.round
            rank.fds["gate"] = self._hold_gate(rank.round + 1)
        except OSError as error:
            raise Gone(text_of(error)) from None
        if last is None:
            return None
        if last.is_final:
            self._final = self._publish(last)
            return self._final
        # It has written the file of its plan, or ahead that of its next plan.
        self._had_gathered = last.verb == "plan"
        with contextlib.suppress(OSError):
            number = last.round if self._had_gathered else last.round + 1
            os.unlink(f"topology.{number}", dir_fd=rank.place.directory)
        if last.leader >= 0 and not rank.roll.is_held(last.leader):
            self._member(last.leader).has_ended = True
        self._deaths = last.deaths + 1
        if self._deaths < _MOST_DEATHS:
            self._publish(Round("anew", deaths=self._deaths))
            return None
        self._final = self._publish(Round("fallback", xml=-1, reason=f"{self._deaths} leaders died in this join"))
        return self._final

    # -- Hearing and looking

    def _member(self, local: int) -> _Member:
        if local not in self._members:
            self._members[local] = _Member(local)
            self._last = time.monotonic()
        return self._members[local]

    def _hear(self, line: str) -> None:
        """Raises ProtocolError."""
        rank = self._rank
        verb, words, ranges = parse_line(line)
        local, answers, has_more = number(words, "local"), number(words, "round"), words.get("more") == "1"
        barrier = number(words, "number") if verb == "barrier" else 0
        if local >= LEADS:
            raise ProtocolError(line)
        if local == rank.byte or (answers != rank.round and verb not in ("done", "failed")):
            return  # this rank said it before it led, or it answers an earlier round
        member = self._member(local)
        member.has_ended = not rank.roll.is_held(local)  # even if it has died since, it has come
        if verb in ("hello", "busy", "ranges"):
            if verb != "ranges":
                member.ranges = []
            member.ranges += ranges
            if len(member.ranges) > _MOST_RANGES:
                member.ranges = []
                raise ProtocolError(line)
            member.is_talking = has_more
            if verb == "hello":
                member.allowed = Allowed(words.get("cpus"), words.get("mems"))
        if verb in ("reserved", "busy", "declined"):
            member.answer = verb
        member.barrier = barrier or member.barrier
        member.has_failed |= verb == "failed"
        member.wants_xml |= words.get("xml") == "1"
        member.is_done |= verb == "done"
        member.is_here |= not has_more

    def _read_lobby(self) -> None:
        try:
            *lines, rest = (self._heard + os.read(self._rank.open_lobby(), 65536)).split(b"\n")
        except BlockingIOError:
            return
        for line in lines:
            try:
                if len(line) >= LINE or self._is_skipping:
                    raise ProtocolError("a line that is too long")
                self._hear(line.decode("latin-1"))
            except ProtocolError as error:
                self._nonsense += 1
                if self._nonsense == 1:  # only once: a flood of nonsense must not flood stderr
                    self._rank.say(f"a line in the lobby was not understood: {str(error)[:100]}")
            self._is_skipping = False
        self._is_skipping |= len(rest) >= LINE
        self._heard = b"" if self._is_skipping else rest

    def _look(self) -> None:
        """Looks at all locks: which ranks have come, and which have died."""
        for member in self._members.values():
            member.has_ended = True
        spans = [(0, LEADS)]
        while spans:
            # The kernel names any one of the locks; the others are below and above it.
            start, end = spans.pop()
            found = self._rank.roll.find(start, end)
            if found is not None and found[1] > 0:
                self._member(found[0]).has_ended = False
                spans += [(start, found[0]), (sum(found), end)]

    def _serve(self, until: float) -> None:
        """Waits for a line in the lobby or the end of the discovery, but not beyond `until`; handles what came."""
        poll, lobby = select.poll(), self._rank.open_lobby()
        poll.register(lobby, select.POLLIN)
        if self._is_discovering():
            poll.register(self._discovery.end, select.POLLIN)
        if any(fd == lobby for fd, _ in poll.poll(max(0, int((until - time.monotonic()) * 1000) + 1))):
            self._read_lobby()
        if time.monotonic() >= self._next_renewal:
            os.utime(self._rank.roll.fd)
            self._next_renewal = time.monotonic() + min(1, self._rank.options.timeout / 4)

    def _serve_until(self, is_settled: Callable[[], bool], timeout: Optional[float] = None) -> None:
        """Serves until `is_settled`, or until the timeout."""
        waited, look = Stopwatch(), time.monotonic() + 0.02
        while not is_settled() and (timeout is None or waited.seconds() < timeout):
            self._serve(look)
            if time.monotonic() >= look:
                self._look()
                look = time.monotonic() + 0.1

    # -- Gathering

    def _is_discovering(self) -> bool:
        return self._discovery is not None and self._discovery.is_alive()

    def _is_gathered(self) -> bool:
        rank, members, quiet = self._rank, self._members.values(), time.monotonic() - self._last
        silent = [member for member in members if not member.is_here and not member.has_ended]
        if self._is_discovering() or (silent and quiet < rank.options.timeout):
            return False
        if rank.expected is not None and sum(member.local < rank.expected for member in members) + 1 >= rank.expected:
            return True
        return self._had_gathered or quiet > rank.patience(self._last - rank.arrived)

    def _missing(self) -> List[int]:
        size = self._rank.me.local_size or 0
        return [local for local in range(size) if local != self._rank.byte and local not in self._members]

    def _say_of(self, ranks: List[int], one: str, many: str) -> None:
        me = self._rank.me
        local = "" if me.size == me.local_size else "local "
        shown = ", ".join(map(str, ranks[:40])) + (" ..." if len(ranks) > 40 else "")
        if ranks:
            self._rank.say(f"{local}rank{'s' if len(ranks) > 1 else ''} {shown} {one if len(ranks) == 1 else many}")

    def _discover_and_gather(self) -> Topology:
        rank, members = self._rank, self._members.values()
        self._serve_until(self._is_gathered)
        waited = f"after {time.monotonic() - rank.arrived:.1f} s; continuing without"
        ended = sorted(member.local for member in members if member.has_ended)
        without = "joined; continuing without"
        self._say_of(ended, f"ended before it {without} it", f"ended before they {without} them")
        self._say_of(
            self._missing(),
            f"has not joined {waited} it (it can still join)",
            f"have not joined {waited} them (they can still join)",
        )
        topology = self._end_discovery()
        if topology.is_this_system and any(rank.allowed.differs(member.allowed) for member in members):
            # Again, with the CPUs and NUMA nodes that the leader's cgroup does not allow.
            topology._destroy()
            self._discovery = _Discovery(rank.options.io, INCLUDE_DISALLOWED)
            return self._end_discovery()
        return topology

    def _end_discovery(self) -> Topology:
        while self._is_discovering():
            self._serve(time.monotonic() + 0.25)
        discovery, self._discovery = self._discovery, None
        return discovery.result()

    # -- Sharing

    def join(self) -> Got:
        """Raises Gone, NotSharedError, HwlocError, and what the function that makes the data raises."""
        final = self.take_over()
        if final is not None:
            got = self._rank.finish(final)
            assert got is not None  # only a member waits for XML
            return got
        return self._share()

    def _share(self) -> Got:
        rank = self._rank
        plan: Optional[Round] = None
        trouble: Optional[Exception] = None
        self._discovery = _Discovery(rank.options.io)
        try:
            rank.pieces = pieces_of(rank.options.share)
            if rank.pieces:
                self._data_length, self._parts = lay_out(rank.pieces)
                self._make_file(rank.round + 1, 0)  # while others come
            for root in filter(None, rank.roots):
                channels.sweep(root, (channels.name_of_key(rank.key), rank.files_name))
            self.topology = self._discover_and_gather()
            plan = self._negotiate(self.topology)
        except Gone:
            raise
        except Exception as error:
            trouble = error
        found = {
            "xml": self._write_xml(self.topology) if self._is_xml_wanted(plan is not None) else -1,
            "thissystem": int(self.topology is not None and self.topology.is_this_system),
        }
        if plan is not None:
            self._final = self._publish(replace(plan, verb="release", **found))
        else:
            self._final = self._publish(Round("fallback", shape=self._rank.shape, reason=text_of(trouble or Gone()), **found))
        if self._file is not None:
            os.close(self._file)
        if trouble is not None and (self.topology is None or not isinstance(trouble, OSError)):
            raise trouble
        try:
            if trouble is not None:
                raise trouble
            adopted = rank.adopt(self._final)
        except OSError as error:
            return rank.conclude(self._final, text_of(error))
        self.topology._destroy()
        self.topology = None
        return rank.conclude(self._final, got=Got(adopted, "adopted", plan=self._final, did_discover=True))

    def _address(self, length: int) -> int:
        rank = self._rank
        taken = merge([*own_space().ranges, *(each for member in self._members.values() for each in member.ranges)])
        hole = setting("HWLOC_SHARE_HOLE") or "scatter"
        asked = re.fullmatch("0x([0-9a-fA-F]{1,16})", hole)
        if asked is None:
            if hole != "scatter":
                rank.say(f"HWLOC_SHARE_HOLE={hole}: a leader in Python knows only addresses and scatter; using scatter")
            return choose(taken, length, f"{rank.key}#{rank.round}")
        wanted = int(asked[1], 16)
        if wanted % mmap.PAGESIZE or any(start < wanted + length and wanted < end for start, end in taken):
            raise OSError(errno.ENOMEM, "no address is free in all ranks")
        return wanted

    def _negotiate(self, topology: Topology) -> Round:
        """Plans, again as long as the range is taken in a rank, until a topology is written. Raises Gone, OSError."""
        length, plan = shared_length(topology), None
        for _ in range(_PLANS):
            try:
                at = self._address(length)
            except OSError:
                if plan is None:
                    raise
                return plan  # the ranks that accepted it still have their reservations
            for member in self._members.values():
                member.answer, member.is_talking = None, False
            asked = Round("plan", deaths=self._deaths, at=at, bytes=length, abi=topology.abi, shape=self._rank.shape)
            planned = self._publish(asked)
            self._make_file(planned.round, length)
            planned = replace(planned, offset=self._data_length, base=self._base)
            plan = planned if self._write(topology, planned) else None
            if not self._collect_answers() and plan is not None:
                return plan
        if plan is None:
            raise OSError(errno.EBUSY, "its range was taken in each of the plans")
        return plan

    def _write(self, topology: Topology, plan: Round) -> bool:
        """Writes the topology, seals it and reserves its range. False if something is mapped there. Raises OSError."""
        assert self._file is not None
        try:
            write(topology, self._file, plan.offset, plan.at, plan.bytes, make_writable)
            self._rank.reserve(plan)
            return True
        except OSError as error:
            if error.errno in (errno.EBUSY, errno.EEXIST):
                return False
            raise

    def _collect_answers(self) -> bool:
        """Waits until all ranks that said hello have answered or died. Returns whether the range was taken in one."""
        members, timeout = self._members.values(), self._rank.options.timeout
        self._serve_until(lambda: not any(member.owes_answer for member in self._members.values()), timeout)
        for member in [member for member in members if member.owes_answer]:
            what = f"did not answer within {timeout:g} s; continuing without it (HWLOC_SHARE_TIMEOUT)"
            self._rank.say(f"local rank {member.local} {what}")
            member.is_done = True
        return any(member.answer == "busy" and not member.has_ended for member in members)

    def _open_store(self) -> str:
        """Opens the directory for its files: the channel, or one in another root. Returns its path. Raises OSError."""
        rank, root = self._rank, self._rank.roots[self._base]
        if self._base > 0 and self._store is None:
            if root is None or self._base == rank.root:
                raise OSError(errno.ENOENT, "no directory")
            channels.remove_if_dead(root, rank.files_name)  # of a leader that died
            for _ in range(3):
                self._store = self._store or channels.build(f"{root}/{rank.files_name}", rank.byte, ())
            if self._store is None:
                raise OSError(errno.EBUSY, "the directory is in use")
        return rank.path_of(self._base, "")

    def _make_file(self, plan: int, length: int) -> None:
        """Makes the file of a plan in the first root with room for it; without the data if none has room for that.

        With a length of 0 it makes the file for the data alone, which plans rename later. Raises OSError.
        """
        rank, name, trouble = self._rank, f"topology.{plan}", None
        for self._base in range(self._base, len(rank.roots)):
            try:
                self._create_file(self._open_store() + name, self._data_length + length)
                if trouble is not None:
                    rank.say(f"{rank.path_of(0, name)}: {trouble}; using the next directory")
                return
            except OSError as error:
                trouble = trouble or error.strerror
                self.close()
        self._base = 0
        if self._data_length == 0 or rank.options.strict:
            raise OSError(errno.ENOSPC, f"no room for the topology: {trouble}")
        rank.say(f"the data cannot be shared, each rank has its own: {trouble}")
        self._data_length, self._parts = 0, []
        if length > 0:
            self._make_file(plan, length)

    def _create_file(self, path: str, length: int) -> None:
        is_new = self._file is None
        if self._file is None:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(path)  # of a leader that died
            self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        else:
            os.rename(self._file_path, path)
        self._file_path = path
        try:
            # If the file system were full, writing through a mapping would kill this process.
            os.posix_fallocate(self._file, 0, length)
            for at, part in self._parts if is_new else []:
                while part:
                    done = os.pwrite(self._file, part[: 1 << 24], at)
                    at, part = at + done, part[done:]
        except OSError:
            os.close(self._file)
            self._file = None
            os.unlink(path)
            raise

    def _is_xml_wanted(self, is_shared: bool) -> bool:
        """Whether a rank wants XML, or may come late, when the leader does not listen to it."""
        present = [member for member in self._members.values() if not member.has_ended]
        wanting = [member for member in present if not is_shared or member.wants_xml or member.answer == "busy"]
        return bool(wanting or self._missing())

    def _write_xml(self, topology: Optional[Topology]) -> int:
        """Writes a topology as XML. Returns the number of its root, or -1."""
        if topology is None:
            return -1
        try:
            xml = topology.xml().encode()
            flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC
            with open(os.open(self._open_store() + "topology.xml", flags, 0o600), "wb") as file:
                file.write(xml)
            return self._base
        except OSError:
            return -1

    # -- Barriers

    def _failed(self) -> List[_Member]:
        return [member for member in self._members.values() if member.has_failed and not member.has_ended]

    def _is_at_barrier(self, barrier: int) -> bool:
        """Whether all ranks that are there have come to this barrier, or one of them waits for XML."""

        def have_all_come() -> bool:
            return all(member.has_ended or member.barrier >= barrier for member in self._members.values())

        if self._failed():
            return True
        if have_all_come():
            self._look()  # a rank that has not said anything may be there
            return have_all_come()
        return False

    def _help_failed(self, final: Round) -> Round:
        """Writes XML for ranks that could not adopt: the others may wait for them at a barrier. Raises Gone."""
        for member in self._failed():
            member.has_failed = False
        topology = self._rank.topology
        xml = self._write_xml(topology) if final.xml < 0 else -1
        if topology is None or xml < 0:
            return final
        self._final = self._publish(replace(final, xml=xml, thissystem=int(topology.is_this_system)))
        return self._final

    def take_over_barrier(self, barrier: int) -> bool:
        """Raises Gone."""
        self.take_over()
        return self.barrier(barrier)

    def barrier(self, barrier: int) -> bool:
        """Comes to a barrier, and opens it when all ranks that are there have come. Raises Gone."""
        final, size, members = self._final, self._rank.expected, self._members
        if final is None or final.passed >= barrier:  # the leader before it opened it
            return final is not None and final.passed == barrier and final.all == 1
        self._serve_until(lambda: self._is_at_barrier(barrier))
        while self._failed():
            final = self._help_failed(final)
            self._serve_until(lambda: self._is_at_barrier(barrier))
        came = sum(not member.has_ended for member in members.values()) + 1
        done = sum(member.is_done or member.has_ended for member in members.values()) + 1
        if size is not None and done >= size:
            with contextlib.suppress(OSError):
                os.unlink(self._file_path)  # nobody needs its name any more
        is_all = came >= (self._rank.me.local_size or len(members) + 1)
        self._final = self._publish(replace(final, passed=barrier, all=int(is_all)))
        return is_all
