// --xmlfile on several hosts: each has a file of its own, all programs find theirs, and nothing is left on any host.
import { expect, test } from 'vitest';
import { onCluster } from '../launchers/available.js';
import { daemonsOver } from '../launchers/mpi.js';
import { expectSharedOnEach, launcherOn, runHostsJob, threeHosts } from '../support/hosts-job.js';
import { reporter } from '../support/shared-job.js';
import { wrapper } from '../support/wrapper.js';

/** A program that says where it is, whether it has the file, and what stands in it: the host on which it was written. */
const reader = [
  '/bin/sh',
  '-c',
  'echo "has $(cat /proc/sys/kernel/hostname) $(sed -n \'s/.*"HostName" value="\\([^"]*\\)".*/\\1/p\' $HWLOC_XMLFILE) $HWLOC_THISSYSTEM"',
];

function linesOf(stdout: string): string[] {
  const lines = stdout.split(/\r?\n/).filter((line) => line.startsWith('has'));
  return lines.sort();
}

/** `count` lines for each host, each with the file of that host. */
function ownFiles(layout: Readonly<Record<string, number>>): string[] {
  return Object.entries(layout).flatMap(([host, count]) =>
    Array<string>(count).fill(`has ${host} ${host} 1`),
  );
}

/** Each host once. */
function expectWrittenOnceOnEach(stderr: string) {
  const hosts = [...stderr.matchAll(/node (h\d): wrote the topology for HWLOC_XMLFILE/g)].map(
    ([, host]) => host,
  );
  expect(hosts.sort(), stderr).toEqual(['h1', 'h2', 'h3']);
}

onCluster('slurm', 'openmpi', 'mpich').describe('three hosts', () => {
  const hosts = threeHosts();
  const run = (command: readonly string[]) => runHostsJob(hosts.cluster, command, { env: hosts.slurm });

  test('srun, 4, 1 and 1 ranks', async () => {
    const { stdout, stderr } = await run(
      wrapper('--verbose', '--xmlfile', 'srun', '-N', '3', '-n', '6', ...reader),
    );
    expect(linesOf(stdout)).toEqual(ownFiles({ h1: 4, h2: 1, h3: 1 }));
    expectWrittenOnceOnEach(stderr);
  });

  test('srun with --export=NONE, and a heterogeneous step', async () => {
    const one = await run(wrapper('--xmlfile', 'srun', '-N', '3', '-n', '3', '--export=NONE', ...reader));
    expect(linesOf(one.stdout)).toEqual(ownFiles({ h1: 1, h2: 1, h3: 1 }));
    const step = ['srun', '-N', '1', '-n', '2', '-O', ...reader, ':', '-N', '2', '-n', '2', '-O', ...reader];
    const two = await run(['salloc', '-Q', '-N', '3', '-n', '6', ...wrapper('--xmlfile', ...step)]);
    expect(linesOf(two.stdout)).toHaveLength(4);
    for (const line of linesOf(two.stdout)) expect(line).toMatch(/^has (h\d) \1 1$/);
  });

  for (const name of ['openmpi', 'mpich'] as const) {
    test(`${name}, 2 ranks on each`, async () => {
      const job = wrapper(
        '--verbose',
        '--xmlfile',
        ...launcherOn(hosts.cluster, name, 2),
        '-n',
        '6',
        ...reader,
      );
      const { stdout, stderr } = await run(job);
      expect(linesOf(stdout)).toEqual(ownFiles({ h1: 2, h2: 2, h3: 2 }));
      expectWrittenOnceOnEach(stderr);
    });

    test(`${name}: our own ranks share on each`, async () => {
      const { reports, stderr } = await run(
        wrapper('--xmlfile', ...launcherOn(hosts.cluster, name, 2), '-n', '6', ...reporter),
      );
      expectSharedOnEach(reports, { h1: 2, h2: 2, h3: 2 });
      expect(reports.every(({ isThisSystem }) => isThisSystem)).toBe(true);
      expect(stderr).toBe('');
    });
  }

  test('mpirun inside an allocation of Slurm, whose daemons start with its variables', async () => {
    const mpirun = ['mpirun.openmpi', '--allow-run-as-root', ...daemonsOver('eth0'), '-n', '3'];
    const job = wrapper('--xmlfile', ...mpirun, '--map-by', 'node', ...reader);
    const { stdout, stderr } = await run(['salloc', '-Q', '-N', '3', '-n', '3', ...job]);
    expect(stderr).toBe('');
    expect(linesOf(stdout)).toEqual(ownFiles({ h1: 1, h2: 1, h3: 1 }));
  });
});
