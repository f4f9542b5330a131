"""Joining, and what a rank gets."""

from __future__ import annotations

import atexit
import contextlib
import os
import threading
from types import MappingProxyType
from typing import Mapping, Optional

from ._data import Share, pieces_of
from ._hwloc import HwlocError, libhwloc, setting
from ._launchers import identify, nobody
from ._rank import Gone, Got, NotSharedError, Options, Rank, text_of

__all__ = ["NotSharedError", "Session", "join"]


class Session:
    """What a rank got. A context manager: leaving it closes it."""

    def __init__(self, rank: Rank, got: Got) -> None:
        me = rank.me
        #: The number of this process in the job, and the size of the job; 0 and 1 if no launcher is known; None if the
        #: launcher does not tell.
        self.rank, self.size = me.rank, me.size
        #: The same on this node.
        self.local_rank, self.local_size = me.local_rank, me.local_size
        #: The name of this node.
        self.node = me.node
        #: The topology, until close().
        self.topology = got.topology
        #: "adopted" (shared), "xml" (a copy from the leader's XML) or "discovered" (its own).
        self.how = got.how
        #: Why it is not "adopted"; None if it is, or if there are no other ranks.
        self.reason = got.reason
        #: Where the topology is mapped, and how many bytes; None and 0 unless it is "adopted".
        self.address = got.plan.at if got.plan is not None else None
        self.length = got.plan.bytes if got.plan is not None else 0
        #: Whether this process discovered the machine itself.
        self.did_discover = got.did_discover
        #: The CPUs and NUMA nodes that the cgroup of this process allows, as lists such as "0-3,8"; None if not known.
        self.allowed_cpus, self.allowed_mems = rank.allowed
        #: What the leader shares, by name: the same pages in all ranks, read-only. They stay after close().
        self.shared: Mapping[str, memoryview] = MappingProxyType(rank.pieces or {})
        self._rank, self._pid, self._joins, self._has_said = rank, os.getpid(), 1, False

    def barrier(self) -> bool:
        """Waits until all ranks of the job on this node have come here. It does not wait for ranks that die or leave.
        There is no timeout.

        Returns True if all ranks that the launcher started on this node took part. False: some have died, left or not
        joined; or this rank came after the others had gone on, or could not reach them. Raises ValueError after
        close(), and in a child made by fork.
        """
        if self._joins == 0 or self._pid != os.getpid():
            raise ValueError("the session is closed")
        rank = self._rank
        if rank.outside is None and not rank.is_in:
            return True  # there are no other ranks
        with _lock:
            try:
                if rank.outside is None:
                    return rank.barrier()
            except (Gone, OSError) as error:
                rank.outside = str(error)
            finally:
                rank.rest()
            rank.leave()
            if not self._has_said:
                rank.say(f"{rank.outside}; it passes its barriers without the others")
            self._has_said = True
            return False

    def close(self) -> None:
        """Leaves the job without waiting. The last close() destroys the topology; other ranks keep theirs."""
        global _session
        self._joins = max(0, self._joins - 1)
        if self._joins > 0 or _session is not self:
            return
        _session = None
        if self._pid == os.getpid():
            self._rank.leave()
        self.topology._destroy()

    def __enter__(self) -> Session:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


_session: Optional[Session] = None
_rank: Optional[Rank] = None  # leaves its channel when the process ends
_pid = 0
_lock = threading.RLock()


def join(
    timeout: Optional[float] = None,
    strict: Optional[bool] = None,
    io: Optional[str] = None,
    share: Optional[Share] = None,
) -> Session:
    """Joins the other ranks of this node, and gets the topology that they share.

    Every rank of the job calls it. It waits until the other ranks of the node have come, or no more come. If it cannot
    share, the rank gets a correct topology of its own, and one line on stderr says why.

    timeout: seconds to wait for ranks that are silent, up to 86,400. Default: HWLOC_SHARE_TIMEOUT, else 30.
    strict: whether to raise NotSharedError rather than use a private topology. Default: HWLOC_SHARE_STRICT.
    io: I/O objects in the topology: "important", "none" or "all"; the leader's choice holds. Default: HWLOC_SHARE_IO,
    else "important".
    share: named bytes for all ranks of the node, or a function that makes them. Pass the same in every rank; the
    leader's hold for all. A function is called in the leader, and in ranks that cannot get the leader's.

    Raises HwlocError if libhwloc is not there, or cannot discover this machine, and ValueError for a bad option. A
    second call in the same process gets the same session, does not look at its options, and needs a close() of its own.
    Sets HWLOC_SHARE_JOINED in the environment, so that child processes do not take themselves for this rank.
    """
    global _session, _rank, _pid
    with _lock:
        if _session is not None and _pid == os.getpid():  # a process can adopt a mapping only once
            _session._joins += 1
            return _session
        complaints = []
        try:
            me = identify(os.environ)
        except ValueError as error:
            me = nobody()
            complaints.append(str(error))
        rank = Rank(me, _options(timeout, strict, io, share, complaints))
        for complaint in complaints:
            rank.say(complaint)
        libhwloc()
        _rank, _pid = rank, os.getpid()
        try:
            got = _join(rank)
        except BaseException:
            rank.leave()
            raise
        finally:
            rank.rest()
        _session = Session(rank, got)
        if _is_on("HWLOC_SHARE_VERBOSE") and got.plan is not None:
            rank.say(f"adopted the topology at 0x{got.plan.at:x}, {got.plan.bytes} bytes")
        return _session


def _is_on(name: str) -> bool:
    return (setting(name) or "no").lower() not in ("0", "no", "false", "off")


def _options(
    timeout: Optional[float], strict: Optional[bool], io: Optional[str], share: Optional[Share], complaints: list
) -> Options:
    """Raises ValueError for a bad argument. Complains of a bad variable, and takes the default."""
    if (timeout is not None and not 0 < timeout <= 86400) or io not in (None, "important", "none", "all"):
        raise ValueError("timeout is a number of seconds up to 86400; io is important, none or all")
    if not callable(share):
        pieces_of(share)
    if timeout is None:
        timeout, told = 30.0, setting("HWLOC_SHARE_TIMEOUT") or "30"
        with contextlib.suppress(ValueError):
            timeout = float(told)
        if not 0 < timeout <= 86400 or (timeout == 30 and told.strip() not in ("30", "30.0")):
            complaints.append(f"HWLOC_SHARE_TIMEOUT={told} is not a number of seconds up to a day")
            timeout = 30.0
    if io is None:
        io = setting("HWLOC_SHARE_IO") or "important"
        if io not in ("important", "none", "all"):
            complaints.append(f"HWLOC_SHARE_IO={io} is none of important, none, all")
            io = "important"
    return Options(timeout, _is_on("HWLOC_SHARE_STRICT") if strict is None else strict, io, share)


def _join(rank: Rank) -> Got:
    """Joins the other ranks, if there are any."""
    me, job = rank.me, setting("HWLOC_SHARE_JOB")
    if me.launcher is None or me.local_size == 1:
        return rank.conclude(None)
    if me.step is None:
        why = "does not name its jobs, and its process cannot be seen from this container"
        return rank.go_alone(f"{me.launcher} {why}")
    if job is not None and setting("HWLOC_SHARE_LAUNCHER") == me.launcher:
        rank.key = f"{job}@{me.node}"
        rank.step = me.step if me.is_step_told else None
    else:
        rank.key = me.step if job is None else f"{job}.{me.step}"
    mark = f"{rank.key}/{rank.byte}"
    try:
        # A child process that inherited the variables, or this rank after its close(): the others do not join again.
        if (os.environ.get("HWLOC_SHARE_JOINED", "") + " ").startswith(mark + " "):
            raise Gone("this rank has joined before, or its parent process has")
        os.environ["HWLOC_SHARE_JOINED"] = mark
        rank.enter()
        return rank.join()
    except HwlocError:
        raise
    except (Gone, OSError) as error:
        return rank.go_alone(text_of(error))


def _leave_at_exit() -> None:
    if _rank is not None and _pid == os.getpid():
        _rank.leave()


def _let_go_in_child() -> None:
    # A child made by fork is not this rank. If it kept a gate open, the gate would not end when the leader closes it.
    if _rank is not None:
        _rank.let_go()


atexit.register(_leave_at_exit)
os.register_at_fork(after_in_child=_let_go_in_child)
