"""One hwloc topology for all ranks of a node, in Python.

    import hwloc_share

    with hwloc_share.join() as session:
        for core in session.topology.objects("Core"):
            print(core.logical_index, core.cpuset)
        session.barrier()

One rank of the node discovers the hardware, and the others map the same topology. Ranks in Python share with ranks in
other languages of the same job; docs/protocol.md of hwloc-share describes how. Any rank can lead, leave, die or come
late.

It needs libhwloc 2.0 or later and Linux on a 64-bit machine; no other Python package.
"""

from ._hwloc import CpuSet, HwlocError, Object, Topology
from ._session import NotSharedError, Session, join

__all__ = ["CpuSet", "HwlocError", "NotSharedError", "Object", "Session", "Topology", "join"]
