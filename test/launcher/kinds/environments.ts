// What launchers that cannot be installed here give to their ranks, with the source of each; and who such a rank is.
import type { Environment } from '../../../src/environment/index.js';

export interface Recorded {
  readonly launcher: string;
  /** What is special about it. */
  readonly about: string;
  /** Where its variables are documented, or set. */
  readonly source: string;
  readonly env: Environment;
  readonly who: {
    readonly rank: number;
    readonly size: number | undefined;
    readonly localRank: number | undefined;
    readonly localSize: number | undefined;
    /** The step as far as the variables tell it; what processes stand above the rank is added where they do not. */
    readonly step: RegExp;
  };
}

export const recorded: readonly Recorded[] = [
  {
    launcher: 'openmpi',
    about: '3.1, without a PMIx namespace in the environment',
    source: 'orte/mca/schizo/ompi/schizo_ompi.c of Open MPI 3 (setup_fork, setup_child)',
    env: {
      OMPI_COMM_WORLD_SIZE: '6',
      OMPI_COMM_WORLD_RANK: '4',
      OMPI_COMM_WORLD_LOCAL_RANK: '0',
      OMPI_COMM_WORLD_LOCAL_SIZE: '2',
      OMPI_COMM_WORLD_NODE_RANK: '0',
      OMPI_UNIVERSE_SIZE: '6',
      OMPI_MCA_ess_base_jobid: '3120300033',
      OMPI_MCA_ess_base_vpid: '4',
    },
    who: { rank: 4, size: 6, localRank: 0, localSize: 2, step: /^openmpi-3120300033@/ },
  },
  {
    launcher: 'openmpi',
    about: '5.0, on PRRTE 3',
    source: 'docs/tuning-apps/environment-var.rst of Open MPI 5.0; src/mca/pmdl/ompi of OpenPMIx',
    env: {
      OMPI_COMM_WORLD_SIZE: '6',
      OMPI_COMM_WORLD_RANK: '5',
      OMPI_COMM_WORLD_LOCAL_RANK: '1',
      OMPI_COMM_WORLD_LOCAL_SIZE: '2',
      OMPI_COMM_WORLD_NODE_RANK: '1',
      PMIX_NAMESPACE: 'prterun-n017-4711@1',
      PMIX_RANK: '5',
      PRTE_LAUNCHED: '1',
    },
    who: { rank: 5, size: 6, localRank: 1, localSize: 2, step: /^openmpi-prterun-n017-4711@1@/ },
  },
  {
    launcher: 'pmix',
    about: 'PRRTE without the personality of an MPI',
    source: 'PMIx_server_setup_fork in src/server/pmix_server.c of OpenPMIx',
    env: {
      PMIX_NAMESPACE: 'prterun-n017-4712@1',
      PMIX_RANK: '3',
      PMIX_SERVER_URI41: 'prterun-n017-4712@0.0;tcp4://127.0.0.1:40001',
      PMIX_HOSTNAME: 'n017',
      PMIX_VERSION: '4.2.2',
    },
    who: {
      rank: 3,
      size: undefined,
      localRank: undefined,
      localSize: undefined,
      step: /^pmix-prterun-n017-4712@1@/,
    },
  },
  {
    launcher: 'intelmpi',
    about: '2021, Hydra',
    source:
      'reports with I_MPI_DEBUG=5, which lists its variables; intel-extension-for-pytorch, which reads those of the ranks',
    env: {
      I_MPI_MPIRUN: 'mpirun',
      I_MPI_HYDRA_TOPOLIB: 'hwloc',
      I_MPI_ROOT: '/opt/intel/oneapi/mpi/2021.9.0',
      PMI_RANK: '9',
      PMI_SIZE: '16',
      PMI_FD: '10',
      MPI_LOCALRANKID: '1',
      MPI_LOCALNRANKS: '8',
    },
    who: { rank: 9, size: 16, localRank: 1, localSize: 8, step: /^intelmpi-\d+-\d+@/ },
  },
  {
    launcher: 'mpich',
    about: '4.0, mpiexec -pmi-port',
    source: 'recorded: mpirun.mpich -pmi-port of MPICH 4.0.2',
    env: { PMI_PORT: 'n017:34969', PMI_ID: '3', MPI_LOCALRANKID: '1', MPI_LOCALNRANKS: '2' },
    who: { rank: 3, size: undefined, localRank: 1, localSize: 2, step: /^mpich-\d+-\d+@/ },
  },
  {
    launcher: 'mvapich2',
    about: 'mpirun_rsh',
    source: 'MVAPICH2 User Guide, "MPIRUN_RSH Parameters"',
    env: {
      MV2_COMM_WORLD_RANK: '2',
      MV2_COMM_WORLD_SIZE: '4',
      MV2_COMM_WORLD_LOCAL_RANK: '0',
      MV2_COMM_WORLD_LOCAL_SIZE: '2',
    },
    who: { rank: 2, size: 4, localRank: 0, localSize: 2, step: /^mvapich2-\d+-\d+@/ },
  },
  {
    launcher: 'flux',
    about: 'flux run on two nodes',
    source: 'doc/man7/flux-environment.rst of flux-core, "JOB ENVIRONMENT"',
    env: {
      FLUX_JOB_ID: 'ƒ3ETxsR9H',
      FLUX_JOB_SIZE: '8',
      FLUX_JOB_NNODES: '2',
      FLUX_TASK_RANK: '5',
      FLUX_TASK_LOCAL_ID: '1',
      FLUX_JOB_TMPDIR: '/tmp/flux-x/jobtmp-0-f3ETxsR9H',
      FLUX_KVS_NAMESPACE: 'job-1',
      PMI_RANK: '5',
      PMI_SIZE: '8',
      PMI_FD: '12',
    },
    who: { rank: 5, size: 8, localRank: 1, localSize: undefined, step: /^flux-ƒ3ETxsR9H@/ },
  },
  {
    launcher: 'flux',
    about: 'on one node, in an instance that jsrun started',
    source: 'the same, and flux-framework/flux-workflow-examples (jsrun … flux start)',
    env: {
      JSM_NAMESPACE_RANK: '0',
      JSM_NAMESPACE_SIZE: '4',
      JSM_NAMESPACE_LOCAL_RANK: '0',
      JSM_NAMESPACE_LOCAL_SIZE: '1',
      OMPI_COMM_WORLD_RANK: '0',
      FLUX_JOB_ID: 'f8',
      FLUX_JOB_SIZE: '3',
      FLUX_JOB_NNODES: '1',
      FLUX_TASK_RANK: '2',
      FLUX_TASK_LOCAL_ID: '2',
    },
    who: { rank: 2, size: 3, localRank: 2, localSize: 3, step: /^flux-f8@/ },
  },
  {
    launcher: 'pals',
    about: 'mpiexec on a Cray EX under PBS, which sets what Hydra would, too',
    source:
      'the list in mpi_cray_shasta.c of Slurm; job scripts of Aurora (ALCF), which read them; not seen: a whole one',
    env: {
      PALS_APID: '5a2f3c1e-0d3b-4f6a-8a77-2f9d1c0b7e11',
      PALS_RANKID: '13',
      PALS_NODEID: '1',
      PALS_DEPTH: '1',
      PALS_LOCAL_RANKID: '1',
      PALS_LOCAL_SIZE: '12',
      PALS_SPOOL_DIR: '/var/run/palsd/x',
      PALS_APINFO: '/var/run/palsd/x/apinfo',
      PMI_RANK: '13',
      PMI_SIZE: '24',
      MPI_LOCALRANKID: '1',
      MPI_LOCALNRANKS: '12',
    },
    who: {
      rank: 13,
      size: 24,
      localRank: 1,
      localSize: 12,
      step: /^pals-5a2f3c1e-0d3b-4f6a-8a77-2f9d1c0b7e11@/,
    },
  },
  {
    launcher: 'slurm',
    about: "srun on a Cray EX, whose plugin sets PALS's variables for Cray's MPI",
    source: 'src/plugins/mpi/cray_shasta/mpi_cray_shasta.c of Slurm 22.05',
    env: {
      PALS_APID: '42.3',
      PALS_RANKID: '4',
      PALS_LOCAL_RANKID: '0',
      PALS_NODEID: '2',
      SLURM_PROCID: '4',
      SLURM_STEP_NUM_TASKS: '5',
      SLURM_LOCALID: '0',
      SLURM_NODEID: '2',
      SLURM_STEP_TASKS_PER_NODE: '2(x2),1',
      SLURM_JOB_ID: '42',
      SLURM_STEP_ID: '3',
      SLURMD_NODENAME: 'nid000002',
    },
    who: { rank: 4, size: 5, localRank: 0, localSize: 1, step: /^slurm-42\.3@nid000002$/ },
  },
  {
    launcher: 'alps',
    about: 'aprun',
    source: 'prov/gni of libfabric and job scripts, which read them; not seen: a whole one',
    env: { ALPS_APP_PE: '7', ALPS_APP_ID: '1234567', ALPS_APP_DEPTH: '1', PMI_FORK_RANK: '7' },
    who: { rank: 7, size: undefined, localRank: undefined, localSize: undefined, step: /^alps-1234567@/ },
  },
  {
    launcher: 'jsm',
    about: "jsrun, which sets Open MPI's variables beside its own",
    source:
      'LSFEnvironment of lightning and the test suite of Open MPI, which read them; not seen: a whole one',
    env: {
      JSM_NAMESPACE_RANK: '43',
      JSM_NAMESPACE_SIZE: '84',
      JSM_NAMESPACE_LOCAL_RANK: '1',
      JSM_NAMESPACE_LOCAL_SIZE: '42',
      OMPI_COMM_WORLD_RANK: '43',
      OMPI_COMM_WORLD_SIZE: '84',
      OMPI_COMM_WORLD_LOCAL_RANK: '1',
      OMPI_COMM_WORLD_LOCAL_SIZE: '42',
      PMIX_NAMESPACE: '2',
      PMIX_RANK: '43',
    },
    who: { rank: 43, size: 84, localRank: 1, localSize: 42, step: /^jsm-2@/ },
  },
  {
    launcher: 'torchrun',
    about: 'one agent per node, started by srun',
    source: 'torch/distributed/run.py, "Environment Variables"',
    env: {
      RANK: '5',
      WORLD_SIZE: '8',
      LOCAL_RANK: '1',
      LOCAL_WORLD_SIZE: '4',
      TORCHELASTIC_RUN_ID: 'none',
      TORCHELASTIC_RESTART_COUNT: '2',
      GROUP_RANK: '1',
      MASTER_ADDR: 'n017',
      MASTER_PORT: '29500',
      SLURM_PROCID: '1',
      SLURM_STEP_TASKS_PER_NODE: '1(x2)',
      SLURM_NODEID: '1',
    },
    who: { rank: 5, size: 8, localRank: 1, localSize: 4, step: /^torchrun-none\.2-\d+-\d+@/ },
  },
];
