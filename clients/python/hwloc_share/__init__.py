"""One hwloc topology for all ranks of a node, in Python.

    import hwloc_share

    with hwloc_share.join() as session:
        for core in session.topology.objects("Core"):
            print(core.logical_index, core.cpuset)
        session.barrier()

One rank of the node discovers the hardware, the others map the same topology. Ranks in Python share with the ranks in
other languages of the same job; docs/protocol.md of hwloc-share says how. Any of them can lead, leave, die or come
late.

Needs libhwloc 2.0 or later, Linux on a 64-bit machine, and of Python the standard library.
"""

from ._hwloc import CpuSet, HwlocError, Object, Topology
from ._session import NotSharedError, Session, join

__all__ = ["CpuSet", "HwlocError", "NotSharedError", "Object", "Session", "Topology", "join"]
