"""A rank in Python: joins the other ranks of its node, and prints where it is and what it sees.

    hwloc-share mpirun -n 4 python3 rank.py
    hwloc-share mpirun -n 2 python3 rank.py : -n 2 ../c/rank      # with ranks in other languages

You do not need the lines about the path if the package is installed (pip install clients/python).
"""

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "clients/python"))

import hwloc_share

with hwloc_share.join() as session:
    topology = session.topology
    counts = {kind: topology.count(kind) for kind in ("Package", "NUMANode", "Core", "PU")}
    # None: the launcher does not tell this number.
    size, local_rank, local_size = (
        "?" if number is None else number for number in (session.size, session.local_rank, session.local_size)
    )
    print(
        f"rank {session.rank} of {size}: number {local_rank} of {local_size} on {session.node}, "
        f"which has {counts['Package']} packages, {counts['NUMANode']} NUMA nodes, "
        f"{counts['Core']} cores and {counts['PU']} PUs ({session.how})",
        flush=True,
    )
    session.barrier()
