"""A rank of an MPI job in Python: each rank binds itself to its own core, from the topology that all ranks of the node share.

    hwloc-share mpirun -n 4 python3 mpi.py

With mpi4py, `from mpi4py import MPI` initialises MPI. Without it, this example calls the MPI library through ctypes.
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
    names = ("mpich", "mpi") if "PMI_RANK" in os.environ else ("mpi", "mpich")  # Hydra's ranks are MPICH's
    library = next(filter(None, map(ctypes.util.find_library, names)), None)
    if library is None:
        sys.exit("mpi.py: neither mpi4py nor an MPI library was found")
    mpi = ctypes.CDLL(library, mode=ctypes.RTLD_GLOBAL)
    mpi.MPI_Init(None, None)
    atexit.register(mpi.MPI_Finalize)

with hwloc_share.join() as session:
    cores = session.topology.objects("Core")
    # A rank whose launcher tells no local ranks takes its number in the job.
    number = session.rank if session.local_rank is None else session.local_rank
    core = cores[number % len(cores)]
    session.topology.bind(core.cpuset)
    print(f"MPI rank {session.rank} on {session.node}: bound to core {core.logical_index}", flush=True)
    session.barrier()
