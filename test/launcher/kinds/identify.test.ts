// Who a rank is, from environments as the launchers gave them (recorded on Debian 12: Open MPI 4.1.4, MPICH 4.0.2, Slurm 22.05).
import { spawnSync } from 'node:child_process';
import { hostname } from 'node:os';
import { describe, expect, test } from 'vitest';
import type { Environment } from '../../../src/environment/index.js';
import { IdentityError, identify, launcherKinds, localVariables } from '../../../src/launcher/kinds/index.js';
import { distFile } from '../../support/wrapper.js';

const openmpi: Environment = {
  OMPI_COMM_WORLD_RANK: '5',
  OMPI_COMM_WORLD_SIZE: '6',
  OMPI_COMM_WORLD_LOCAL_RANK: '1',
  OMPI_COMM_WORLD_LOCAL_SIZE: '2',
  OMPI_COMM_WORLD_NODE_RANK: '3',
  OMPI_UNIVERSE_SIZE: '6',
  OMPI_MCA_ess_base_jobid: '1663500289',
  OMPI_MCA_ess_base_vpid: '5',
  PMIX_NAMESPACE: '1663500289',
  PMIX_RANK: '5',
};
const mpich: Environment = {
  PMI_RANK: '7',
  PMI_SIZE: '8',
  PMI_FD: '9',
  MPI_LOCALRANKID: '3',
  MPI_LOCALNRANKS: '4',
};
const slurm: Environment = {
  SLURM_PROCID: '4',
  SLURM_NTASKS: '5',
  SLURM_NPROCS: '5',
  SLURM_STEP_NUM_TASKS: '5',
  SLURM_LOCALID: '0',
  SLURM_NODEID: '2',
  SLURM_STEP_TASKS_PER_NODE: '2(x2),1',
  SLURM_TASKS_PER_NODE: '5',
  SLURM_JOB_ID: '42',
  SLURM_STEP_ID: '3',
  SLURM_GTIDS: '4',
  SLURMD_NODENAME: 'n017',
};
const local: Environment = localVariables(2, 4);

test('a process that no launcher started is nobody', () => {
  expect(identify({})).toBeUndefined();
  expect(identify({ PATH: '/bin', HOME: '/root', HWLOC_SHARE_JOB: 'x' })).toBeUndefined();
});

test('Open MPI', () => {
  expect(identify(openmpi)).toMatchObject({
    launcher: 'openmpi',
    rank: 5,
    size: 6,
    localRank: 1,
    localSize: 2,
    node: hostname(),
    step: `openmpi-1663500289@${hostname()}`,
  });
});

test('Open MPI without a namespace of PMIx goes by its job id', () => {
  expect(identify({ ...openmpi, PMIX_NAMESPACE: undefined })?.step).toBe(`openmpi-1663500289@${hostname()}`);
});

test('MPICH', () => {
  expect(identify(mpich)).toMatchObject({
    launcher: 'mpich',
    rank: 7,
    size: 8,
    localRank: 3,
    localSize: 4,
    node: hostname(),
  });
});

test('Slurm', () => {
  expect(identify(slurm)).toMatchObject({
    launcher: 'slurm',
    rank: 4,
    size: 5,
    localRank: 0,
    localSize: 1,
    node: 'n017',
    step: 'slurm-42.3@n017',
  });
  expect(identify({ ...slurm, SLURM_NODEID: '1', SLURM_LOCALID: '1', SLURM_PROCID: '3' })?.localSize).toBe(2);
});

test('the built-in launcher', () => {
  expect(identify(local)).toMatchObject({ launcher: 'local', rank: 2, size: 4, localRank: 2, localSize: 4 });
});

describe('one launcher below another', () => {
  const inAllocation = { ...slurm, SLURM_PROCID: '0', SLURM_LOCALID: '0', SLURM_NODEID: '0' };

  test('mpirun in an allocation of Slurm: the stale variables of its daemon do not count', () => {
    expect(identify({ ...inAllocation, ...openmpi })).toMatchObject({ launcher: 'openmpi', rank: 5 });
    expect(identify({ ...inAllocation, ...mpich })).toMatchObject({ launcher: 'mpich', rank: 7 });
  });

  test('srun --mpi=pmi2, which sets PMI_RANK but not the local ones, is Slurm', () => {
    expect(identify({ ...slurm, PMI_RANK: '4', PMI_SIZE: '5' })).toMatchObject({
      launcher: 'slurm',
      rank: 4,
    });
  });

  test('the batch script, which is no step, is nobody', () => {
    expect(
      identify({
        SLURM_PROCID: '0',
        SLURM_LOCALID: '0',
        SLURM_NODEID: '0',
        SLURM_JOB_ID: '42',
        SLURM_NTASKS: '4',
      }),
    ).toBeUndefined();
  });

  test('the built-in launcher in any of them', () => {
    expect(identify({ ...slurm, ...openmpi, ...mpich, ...local })).toMatchObject({
      launcher: 'local',
      rank: 2,
    });
  });

  test('the table is asked in this order', () => {
    expect(launcherKinds.map(({ name }) => name).join(' ')).toBe(
      'local torchrun flux jsm openmpi pals intelmpi mpich mvapich2 alps slurm pmix',
    );
  });
});

describe('variables that make no sense are named', () => {
  test.each<[Environment, string]>([
    [
      { ...openmpi, OMPI_COMM_WORLD_SIZE: undefined },
      'OMPI_COMM_WORLD_SIZE=(not set): a number was expected',
    ],
    [{ ...openmpi, OMPI_COMM_WORLD_LOCAL_RANK: 'x' }, 'OMPI_COMM_WORLD_LOCAL_RANK=x'],
    [{ ...mpich, MPI_LOCALNRANKS: '-1' }, 'MPI_LOCALNRANKS=-1'],
    [{ ...mpich, PMI_SIZE: '' }, 'PMI_SIZE='],
    [{ ...slurm, SLURM_STEP_TASKS_PER_NODE: '2' }, 'SLURM_STEP_TASKS_PER_NODE=2: the tasks of node 2'],
    [{ ...slurm, SLURM_JOB_ID: undefined }, 'SLURM_JOB_ID=(not set)'],
    [{ ...local, HWLOC_SHARE_SIZE: '1e3' }, 'HWLOC_SHARE_SIZE=1e3'],
    [{ ...local, HWLOC_SHARE_LOCAL_RANK: '12345678901' }, 'HWLOC_SHARE_LOCAL_RANK=12345678901'],
  ])('%o', (env, message) => {
    expect(() => identify(env)).toThrow(IdentityError);
    expect(() => identify(env)).toThrow(message);
  });
});

describe('the keeper is the process of the launcher', () => {
  /** What `identify` says in a process below a chain of shells; `exec -a` gives them the names that the kernel shows. */
  function keeperBelow(script: string, env: Environment): { keeper: number; parent: number; top: number } {
    const rank = `
      import { identify } from ${JSON.stringify(distFile('launcher/kinds/index.js'))};
      const { keeper } = identify(process.env);
      process.stdout.write(JSON.stringify({ keeper, parent: process.ppid, top: Number(process.env.TOP) }));`;
    const run = spawnSync('sh', ['-c', script], {
      env: { PATH: process.env.PATH, ...env, NODE: process.execPath, RANK: rank },
      encoding: 'utf8',
      timeout: 10_000,
    });
    return JSON.parse(run.stdout) as { keeper: number; parent: number; top: number };
  }
  // Two shells that do not become what they run.
  const below = `sh -c 'sh -c '\\''"$NODE" --input-type=module -e "$RANK"; :'\\''; :'; :`;

  test("the wrapper's, for the built-in launcher, whatever shells stand between", () => {
    const { keeper, parent, top } = keeperBelow(`export TOP=$$ HWLOC_SHARE_KEEPER=$$; ${below}`, local);
    expect(keeper).toBe(top);
    expect(keeper).not.toBe(parent);
  });

  test('the parent, where the process that was named is no ancestor', () => {
    for (const named of ['1', '999999', 'x', '']) {
      const { keeper, parent } = keeperBelow(`export HWLOC_SHARE_KEEPER=${named}; ${below}`, local);
      expect(keeper).toBe(parent);
    }
  });

  test('the parent, where no process of the launcher is above', () => {
    const { keeper, parent } = keeperBelow(below, openmpi);
    expect(keeper).toBe(parent);
  });
});
