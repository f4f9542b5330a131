"""A rank in Python: joins the others of its node, and says where it is and what it sees.

    hwloc-share mpirun -n 4 python3 rank.py
    hwloc-share mpirun -n 2 python3 rank.py : -n 2 ../c/rank      # with ranks in other languages
"""

import hwloc_share

with hwloc_share.join() as session:
    topology = session.topology
    counts = {kind: topology.count(kind) for kind in ("Package", "NUMANode", "Core", "PU")}
    print(
        f"rank {session.rank} of {session.size}: number {session.local_rank} of {session.local_size} on {session.node}, "
        f"which has {counts['Package']} packages, {counts['NUMANode']} NUMA nodes, "
        f"{counts['Core']} cores and {counts['PU']} PUs ({session.how})",
        flush=True,
    )
    session.barrier()
