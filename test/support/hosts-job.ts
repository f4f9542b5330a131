// Jobs on the hosts of a cluster, and what must be true of each: it ends well, and leaves nothing on any host.
import { afterAll, beforeAll, expect } from 'vitest';
import { startSlurmOn } from '../launchers/cluster-slurm.js';
import { type Cluster, processesLeftOn, startCluster } from '../launchers/cluster.js';
import { daemonsOver } from '../launchers/mpi.js';
import { type JobOptions, type JobResult, runJob } from './job.js';
import type { LauncherName } from './jobs.js';
import { type Report, reportsIn } from './shared-job.js';

export interface HostsJob extends JobResult {
  reports: Report[];
}

/** Hosts, and the variables by which srun finds the Slurm that runs on them. */
export interface Hosts {
  readonly cluster: Cluster;
  readonly slurm: Record<string, string>;
}

/** Three hosts with Slurm, there for all tests of a `describe`. What is looked up before they run is not there yet. */
export function threeHosts(): Hosts {
  let cluster: Cluster;
  let slurm: Record<string, string>;
  beforeAll(async () => {
    cluster = await startCluster(3);
    slurm = await startSlurmOn(cluster);
  });
  afterAll(() => cluster.stop());
  return {
    get cluster() {
      return cluster;
    },
    get slurm() {
      return slurm;
    },
  };
}

/** Runs a job from h1. */
export async function runHostsJob(
  cluster: Cluster,
  command: readonly string[],
  options: JobOptions = {},
): Promise<HostsJob> {
  const result = await runJob(cluster.on('h1', command), { cwd: '/', ...options });
  expect(result, result.stderr).toMatchObject({ exitCode: 0 });
  const left = await processesLeftOn(cluster);
  // They are this job's: no later one is to blame for them.
  cluster.settle();
  expect(left).toEqual([]);
  expect(cluster.leftovers()).toEqual([]);
  return { ...result, reports: reportsIn(result.stdout) };
}

/** How a launcher is told to use the hosts, or the first of them, before `-n` and the program. */
export function launcherOn(
  cluster: Cluster,
  name: Exclude<LauncherName, 'slurm'>,
  perHost: number,
  count = cluster.hosts.length,
): string[] {
  const hosts = cluster.hosts
    .slice(0, count)
    .map((host) => `${host}:${perHost}`)
    .join(',');
  if (name === 'mpich')
    return ['mpirun.mpich', '-launcher', 'ssh', '-launcher-exec', cluster.rsh, '-hosts', hosts];
  const daemons = daemonsOver('eth0', cluster.rsh);
  // From version 5 on, mpirun binds each rank to a core unless it is told not to, and refuses more ranks than cores.
  const binding = ['--bind-to', 'none'];
  return ['mpirun.openmpi', '--allow-run-as-root', ...binding, ...daemons, '--host', hosts];
}

/**
 * What a job must have come to in which the ranks of each host share: of each host as many as should be, one discovery, one
 * address, one topology.
 *
 * @param layout  How many ranks each host has.
 */
export function expectSharedOnEach(
  reports: readonly Report[],
  layout: Readonly<Record<string, number>>,
): void {
  const size = Object.values(layout).reduce((a, b) => a + b, 0);
  expect(reports.map(({ rank }) => rank)).toEqual([...Array(size).keys()]);
  expect(reports.map(({ outcome }) => outcome.how)).toEqual(Array(size).fill('adopted'));
  const counts: Record<string, number> = {};
  for (const { node } of reports) counts[node] = (counts[node] ?? 0) + 1;
  expect(counts).toEqual(layout);
  for (const [host, localSize] of Object.entries(layout)) {
    const there = reports.filter(({ node }) => node === host);
    expect(there.map(({ localRank = -1 }) => localRank).sort((a, b) => a - b)).toEqual([
      ...Array(localSize).keys(),
    ]);
    for (const report of there) expect(report).toMatchObject({ size, localSize });
    expect(there.filter(({ outcome }) => outcome.didDiscover)).toHaveLength(1);
    expect(new Set(there.map(({ outcome }) => outcome.address)).size).toBe(1);
    expect(new Set(there.map(({ xml }) => xml)).size).toBe(1);
  }
}
