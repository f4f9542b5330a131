// Ranks of one node in different cgroups: one topology that covers all, and each rank's own allowed sets.
import { cpus } from 'node:os';
import { existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { expectAllAdopted, fixture, reporter, runSharedJob } from '../support/shared-job.js';
import { wrapper } from '../support/wrapper.js';

// cpusets of cgroup v1, which is what our machines have.
const hierarchy = '/sys/fs/cgroup/cpuset';
const canMakeCpusets =
  process.getuid?.() === 0 && existsSync(join(hierarchy, 'cpuset.cpus')) && cpus().length >= 2;

describe.skipIf(!canMakeCpusets)('ranks in different cpusets', () => {
  const group = join(hierarchy, `hwloc-share-test-${process.pid}`);
  const makeCpuset = (path: string, allowed: string) => {
    mkdirSync(path);
    writeFileSync(join(path, 'cpuset.cpus'), allowed);
    writeFileSync(join(path, 'cpuset.mems'), readFileSync(join(hierarchy, 'cpuset.mems')));
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

  test('share a topology that holds the CPUs of all of them, and know their own', async () => {
    const { reports } = await runSharedJob(wrapper('local', '-n', '2', ...inCpusets), {
      env: { CPUSETS: group },
    });
    expectAllAdopted(reports, 2);
    for (const { counts } of reports) expect(counts.PU).toBe(cpus().length);
    expect(reports.map(({ allowed }) => allowed.cpus)).toEqual(['0', '1']);
    expect(reports.map(({ allowed }) => allowed.nodes)).toEqual(['0', '0']);
  });

  test('that are the same for all show what a load of their own would', async () => {
    const { reports } = await runSharedJob(
      wrapper('local', '-n', '2', 'sh', '-c', 'echo $$ > "$ONE/cgroup.procs"; exec "$@"', 'sh', ...reporter),
      { env: { ONE: join(group, '1') } },
    );
    expectAllAdopted(reports, 2);
    for (const { counts } of reports) expect(counts.PU).toBe(1);
  });
});
