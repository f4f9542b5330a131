"""A rank of an MPI job in Python: binds itself to its own core, which it finds in the topology that all ranks of the node share.

    hwloc-share mpirun -n 4 python3 mpi.py

`from mpi4py import MPI` initialises MPI. Without mpi4py, this example calls the MPI library through ctypes.
Join after that: MPI libraries use libhwloc themselves.
"""

import atexit
import ctypes
import ctypes.util
import os
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "clients/python"))

import hwloc_share

try:
    from mpi4py import MPI  # noqa: F401
except ImportError:
    names = ("mpich", "mpi") if "PMI_RANK" in os.environ else ("mpi", "mpich")  # Hydra starts ranks of MPICH
    library = next(filter(None, map(ctypes.util.find_library, names)), None)
    if library is None:
        sys.exit("mpi.py: neither mpi4py nor an MPI library was found")
    mpi = ctypes.CDLL(library, mode=ctypes.RTLD_GLOBAL)
    mpi.MPI_Init(None, None)
    atexit.register(mpi.MPI_Finalize)

with hwloc_share.join() as session:
    cores = session.topology.objects("Core")
    # If the launcher does not tell local ranks, use the rank in the job.
    number = session.rank if session.local_rank is None else session.local_rank
    core = cores[number % len(cores)]
    session.topology.bind(core.cpuset)
    print(f"MPI rank {session.rank} on {session.node}: bound to core {core.logical_index}", flush=True)
    session.barrier()
