// Ranks of one node in different cgroups: one topology that covers all, and each rank's own allowed sets and binding.
import { cpus } from 'node:os';
import { existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { launcher } from '../launchers/available.js';
import { launcherCommands } from '../support/jobs.js';
import { expectAllAdopted, fixture, reporter, runSharedJob } from '../support/shared-job.js';
import { wrapper } from '../support/wrapper.js';

// cpusets of cgroup v1, which is what our machines have.
const hierarchy = '/sys/fs/cgroup/cpuset';
const canMakeCpusets =
  process.getuid?.() === 0 && existsSync(join(hierarchy, 'cpuset.cpus')) && cpus().length >= 2;

describe.skipIf(!canMakeCpusets)('ranks in different cpusets', () => {
  const group = join(hierarchy, `hwloc-share-test-${process.pid}`);
  const allNodes = canMakeCpusets ? readFileSync(join(hierarchy, 'cpuset.mems'), 'utf8').trim() : '';
  const makeCpuset = (path: string, allowed: string) => {
    mkdirSync(path);
    writeFileSync(join(path, 'cpuset.cpus'), allowed);
    writeFileSync(join(path, 'cpuset.mems'), allNodes);
  };
  beforeAll(() => {
    makeCpuset(group, '0-1');
    makeCpuset(join(group, '0'), '0');
    makeCpuset(join(group, '1'), '1');
  });
  afterAll(() => {
    for (const path of [join(group, '0'), join(group, '1'), group]) rmdirSync(path);
  });
  const inCpusets = ['sh', fixture('in-cpuset.sh'), ...reporter];
  /** Each in the second cpuset. */
  const inOne = ['sh', '-c', 'echo $$ > "$ONE/cgroup.procs"; exec "$@"', 'sh', ...reporter];

  test('share a topology that holds the CPUs of all of them, and know their own', async () => {
    const { reports } = await runSharedJob(wrapper('local', '-n', '2', ...inCpusets), {
      env: { CPUSETS: group },
    });
    expectAllAdopted(reports, 2);
    for (const { counts } of reports) expect(counts.PU).toBe(cpus().length);
    expect(reports.map(({ allowed }) => allowed.cpus)).toEqual(['0', '1']);
    expect(reports.map(({ allowed }) => allowed.nodes)).toEqual([allNodes, allNodes]);
    expect(reports.map(({ binding }) => binding)).toEqual(['0', '1']);
  });

  test('that see their cgroup only, as in a container, do so, too', async () => {
    const { reports } = await runSharedJob(wrapper('local', '-n', '2', ...inCpusets), {
      env: { CPUSETS: group, CGROUP_NAMESPACE: '1' },
    });
    expectAllAdopted(reports, 2);
    expect(reports.map(({ allowed }) => allowed.cpus)).toEqual(['0', '1']);
    for (const { counts } of reports) expect(counts.PU).toBe(cpus().length);
  });

  for (const name of ['openmpi', 'mpich'] as const) {
    launcher(name).describe(name, () => {
      test('starts such ranks', async () => {
        const { reports } = await runSharedJob(launcherCommands[name](2, inCpusets), {
          env: { CPUSETS: group },
        });
        expectAllAdopted(reports, 2);
        expect(reports.map(({ allowed }) => allowed.cpus)).toEqual(['0', '1']);
      });
    });
  }

  test('that are the same for all show exactly what a load of their own shows', async () => {
    const env = { ONE: join(group, '1') };
    const { reports } = await runSharedJob(wrapper('local', '-n', '2', ...inOne), { env });
    expectAllAdopted(reports, 2);
    const { reports: alone } = await runSharedJob(inOne, { env });
    expect(alone[0]?.outcome.how).toBe('discovered');
    for (const report of reports) {
      expect(report.counts.PU).toBe(1);
      for (const what of ['tree', 'counts', 'depth', 'allowed', 'hwlocAllows', 'binding'] as const)
        expect(report[what]).toEqual(alone[0]?.[what]);
    }
  });
});

launcher('openmpi').describe('ranks that are bound to a core each, as Open MPI does with two', () => {
  test.skipIf(cpus().length < 2)('are allowed the same, and each has its own binding', async () => {
    const { reports } = await runSharedJob(
      wrapper(
        'mpirun.openmpi',
        '--allow-run-as-root',
        '--oversubscribe',
        '--bind-to',
        'core',
        '-n',
        '2',
        ...reporter,
      ),
    );
    expectAllAdopted(reports, 2);
    const [first, second] = reports;
    expect(first?.allowed).toEqual(second?.allowed);
    expect(first?.binding).not.toBe(second?.binding);
  });
});
