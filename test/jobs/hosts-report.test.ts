// Reports of jobs on several hosts: all hosts are in them, if they share the folder; else what is missing is said.
import { mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { onCluster } from '../launchers/available.js';
import { runHostsJob, launcherOn, threeHosts } from '../support/hosts-job.js';
import { linesOf, ranksIn, reportIn, tracksIn } from '../support/job-report.js';
import { reporter } from '../support/shared-job.js';
import { wrapper } from '../support/wrapper.js';

onCluster('slurm', 'openmpi', 'mpich').describe('three hosts', () => {
  const hosts = threeHosts();

  let folders = 0;
  /** A new folder that all hosts share. */
  const sharedFolder = () => {
    const folder = join(hosts.cluster.folder, `reports-${++folders}`);
    mkdirSync(folder);
    return folder;
  };

  describe.each<[string, () => string[]]>([
    ['slurm', () => ['srun', '-N', '3', '-n', '6', '--ntasks-per-node=2', ...reporter]],
    ['openmpi', () => [...launcherOn(hosts.cluster, 'openmpi', 2), '-n', '6', ...reporter]],
    ['mpich', () => [...launcherOn(hosts.cluster, 'mpich', 2), '-n', '6', ...reporter]],
  ])('%s', (kind, step) => {
    test('all hosts and their ranks are in the report and in the trace, on their own clocks', async () => {
      const folder = sharedFolder();
      const [report, trace] = [join(folder, 'r.json'), join(folder, 't.json')];
      const job = await runHostsJob(hosts.cluster, wrapper('--report', report, '--trace', trace, ...step()), {
        env: hosts.slurm,
      });
      expect(job.stderr).toBe('');
      expect(readdirSync(folder).sort()).toEqual(['r.json', 't.json']);

      const document = reportIn(report);
      expect(document).toMatchObject({
        launcher: { kind },
        totals: { nodes: 3, ranks: 6, adopted: 6, discoveries: 3, discoveriesSaved: 3 },
        steps: [{ size: 6, unknown: { count: 0 } }],
        notes: [],
      });
      const told = job.reports.map(({ rank, node, outcome }) => [rank, node, outcome.address?.toString(16)]);
      const written = ranksIn(document).map(({ rank, node, address }) => [rank, node, address?.slice(2)]);
      expect(written).toEqual(told);

      const tracks = tracksIn(trace);
      expect(tracks.map(({ process, thread }) => [process, thread])).toEqual(
        job.reports.map(({ rank, node }) => [`node ${node}`, `rank ${rank}`]),
      );
      for (const { events } of tracks) {
        expect(events.find(({ name }) => name === 'join')).toMatchObject({ args: { how: 'adopted' } });
      }
    });
  });

  const step = ['srun', '-N', '3', '-n', '6', '--ntasks-per-node=2', ...reporter];

  test('where they do not share the folder, what is missing is said, in the report and by the leaders', async () => {
    // /tmp of each host is its own.
    const script = '"$@" && tr -d "\\n" </tmp/r.json && rm /tmp/r.json';
    const words = ['sh', '-c', script, 'sh', ...wrapper('--report', '/tmp/r.json', ...step)];
    const { stdout, stderr } = await runHostsJob(hosts.cluster, words, { env: hosts.slurm });
    const line = stdout.split('\n').find((each) => each.includes('hwlocShare')) ?? '';
    const document = JSON.parse(line) as ReturnType<typeof reportIn>;
    expect(document.totals).toMatchObject({ nodes: 1, ranks: 6, adopted: 2, missing: 4 });
    expect(document.steps[0]?.unknown).toEqual({ count: 4, ranks: '2-5' });
    expect(document.notes).toHaveLength(1);
    expect(document.notes[0]).toMatch(/^nothing is known of ranks 2-5: /);
    const lines = linesOf(stderr).sort();
    expect(lines).toHaveLength(3);
    expect(lines[0]).toMatch(/^hwloc-share: node h2, rank 2: not in the report: .*: ENOENT/);
    expect(lines[1]).toMatch(/^hwloc-share: node h3, rank 4: not in the report: .*: ENOENT/);
    expect(lines[2]).toBe(`hwloc-share: ${document.notes[0] ?? ''}`);
  });

  test('--verbose: one line for each host, from wherever it can be said, and the total', async () => {
    const shared = ['--verbose', '--report', join(sharedFolder(), 'r.json')];
    const summed = await runHostsJob(hosts.cluster, wrapper(...shared, ...step), { env: hosts.slurm });
    const lines = linesOf(summed.stderr);
    expect(lines.map((line) => line.replace(/: one topology .*/, ''))).toEqual([
      'hwloc-share: srun is slurm',
      'hwloc-share: node h1: 2 of 2 ranks',
      'hwloc-share: node h2: 2 of 2 ranks',
      'hwloc-share: node h3: 2 of 2 ranks',
      expect.stringMatching(
        /^hwloc-share: 6 ranks on 3 nodes: 6 adopted; 3 discoveries instead of 6, /,
      ) as string,
    ]);
    const alone = await runHostsJob(hosts.cluster, wrapper('--verbose', ...step), { env: hosts.slurm });
    expect(alone.stderr).toMatch(/^hwloc-share: node h1: 2 of 2 ranks: one topology at/m);
    expect(alone.stderr).toMatch(/^hwloc-share: node h2, rank 2: 2 of 2 ranks: one topology at/m);
    expect(alone.stderr).toMatch(/^hwloc-share: node h3, rank 4: 2 of 2 ranks: one topology at/m);
    expect(alone.stderr).toMatch(/^hwloc-share: 6 ranks on 1 node: 2 adopted, 4 missing; /m);
  });
});
