// Reports of real jobs: what --report and --trace write is what the ranks themselves got, under each launcher, whatever becomes of them.
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { leaderPoints, memberPoints } from '../../src/rank/report/trace-points.js';
import { launcher } from '../launchers/available.js';
import { type Slurm, startSlurm } from '../launchers/slurm.js';
import { type JobOptions, runJob, startJob } from '../support/job.js';
import { type Track, linesOf, ranksIn, reportIn, tracksIn } from '../support/job-report.js';
import { type LauncherName, launcherCommands } from '../support/jobs.js';
import { type SharedJob, fixture, reporter, runSharedJob } from '../support/shared-job.js';
import { temporaryFolder } from '../support/temporary.js';
import { wrapper } from '../support/wrapper.js';

const node = process.execPath;
const killSwitch = join(import.meta.dirname, '../faults/kill-switch.mjs');
const local = (ranks: number, ...program: readonly string[]) => ['local', '-n', String(ranks), ...program];

const documentation = readFileSync(join(import.meta.dirname, '../../docs/reports.md'), 'utf8');

/** Runs a job with a report and a trace, which must be all that it leaves in their folder. */
async function runReported(words: readonly string[], options: JobOptions = {}) {
  const folder = temporaryFolder();
  const [report, trace] = [join(folder, 'report.json'), join(folder, 'trace.json')];
  const job = await runSharedJob(wrapper('--report', report, '--trace', trace, ...words), options);
  expect(readdirSync(folder).sort()).toEqual(['report.json', 'trace.json']);
  return { ...job, report: reportIn(report), tracks: tracksIn(trace) };
}

/** That the report says of each rank what it has printed itself. */
function expectSameAsTold({ reports }: SharedJob, report: ReturnType<typeof reportIn>): void {
  const ranks = ranksIn(report).sort((a, b) => Number(a.rank) - Number(b.rank));
  expect(ranks.map(({ rank, localRank, node }) => [rank, localRank, node])).toEqual(
    reports.map(({ rank, localRank, node }) => [rank, localRank, node]),
  );
  ranks.forEach((rank, i) => {
    const outcome = reports[i]?.outcome;
    expect(rank).toMatchObject({ how: outcome?.how, toldBy: 'rank', discovered: outcome?.didDiscover });
    expect(rank).toMatchObject({ bytes: outcome?.length ?? null, generation: outcome?.generation });
    expect(rank.address).toBe(outcome?.address === undefined ? null : `0x${outcome.address.toString(16)}`);
    expect(Object.keys(rank.phases ?? {})).toEqual(Object.keys(outcome?.phases ?? {}));
    for (const phase of Object.keys(rank.phases ?? {})) expect(documentation).toContain(`| \`${phase}\` |`);
    for (const [phase, ms] of Object.entries(outcome?.phases ?? {}))
      expect(rank.phases?.[phase]).toBeCloseTo(ms, 2);
    const sum = Object.values(rank.phases ?? {}).reduce((a, b) => a + b, 0);
    expect(rank.milliseconds).toBeGreaterThanOrEqual(sum - 0.1);
  });
}

/** Where a track has its points, by their names; of one that comes again, the last. */
function pointsOn({ events }: Track): Record<string, number> {
  return Object.fromEntries(events.filter(({ cat }) => cat === 'point').map(({ name, ts }) => [name, ts]));
}

/** That the trace shows a join in which all adopted: phases side by side, points in their order, on one clock for all. */
function expectJoined(tracks: readonly Track[]): void {
  for (const { events } of tracks) {
    const [start, join] = events;
    expect(start).toMatchObject({ name: 'start', ph: 'X' });
    expect(join).toMatchObject({ name: 'join', ph: 'X', args: { how: 'adopted' } });
    expect(join?.ts).toBe((start?.ts ?? 0) + (start?.dur ?? 0));
    let end = join?.ts;
    for (const phase of events.filter(({ cat }) => cat === 'phase')) {
      expect(phase.ts).toBe(end);
      end = phase.ts + (phase.dur ?? 0);
    }
    const points = events.filter(({ cat }) => cat === 'point').map(({ name }) => name);
    const order: readonly string[] = points[0]?.startsWith('leader:') === true ? leaderPoints : memberPoints;
    // All but the barrier, which comes after the join.
    expect(points).toEqual(order.slice(0, -1));
  }
  const [leader, ...members] = tracks.map(pointsOn);
  for (const member of members) {
    // Each of these is a cause of the next, and the processes have told of them apart.
    expect(leader?.['leader:gathered']).toBeLessThanOrEqual(member['member:planned'] ?? NaN);
    expect(leader?.['leader:agreed']).toBeLessThanOrEqual(member['member:released'] ?? NaN);
  }
}

describe('each launcher: the report says what the ranks got, the trace when', () => {
  async function expectReported(kind: string, words: readonly string[], env: Record<string, string> = {}) {
    const job = await runReported(words, { env });
    const { report, tracks, stderr } = job;
    expect(stderr).toBe('');
    expectSameAsTold(job, report);
    expectJoined(tracks);
    expect(tracks.map(({ process, thread }) => [process, thread])).toEqual(
      job.reports.map(({ rank, node }) => [`node ${node}`, `rank ${rank}`]),
    );
    const bytes = job.reports[0]?.outcome.length ?? 0;
    expect(report).toMatchObject({
      launcher: { kind, command: words[0] },
      exit: { status: 0, signal: null },
      totals: { nodes: 1, ranks: 4, adopted: 4, discoveries: 1, discoveriesSaved: 3, bytesSaved: 3 * bytes },
      steps: [{ launcher: kind, size: 4, unknown: { count: 0 } }],
      notes: [],
    });
    expect(ranksIn(report).every(({ libhwloc }) => libhwloc?.abi.startsWith('0x') === true)).toBe(true);
  }

  test('the built-in launcher', () => expectReported('local', local(4, ...reporter)));

  for (const name of ['openmpi', 'mpich'] as const) {
    launcher(name).describe(name, () => {
      test('behind the wrapper', () => expectReported(name, launcherCommands[name](4, reporter)));
    });
  }

  launcher('slurm').describe('slurm', () => {
    let slurm: Slurm;
    beforeAll(async () => {
      slurm = await startSlurm();
    });
    afterAll(() => slurm.stop());

    test('behind the wrapper', () => expectReported('slurm', launcherCommands.slurm(4, reporter), slurm.env));

    test('where only some variables are passed on', () =>
      expectReported('slurm', ['srun', '--oversubscribe', '-n', '4', '--export=PATH', ...reporter], {
        ...slurm.env,
        PATH: process.env.PATH ?? '',
      }));

    test('two steps of a job are told apart', async () => {
      const step = launcherCommands.slurm(2, reporter).join(' ');
      const script = `${step}; ${step}`;
      const { report, tracks } = await runReported(
        ['salloc', '-Q', '-n', '4', '--oversubscribe', 'sh', '-c', script],
        { env: slurm.env },
      );
      expect(report.steps.map(({ step: name, size }) => [name.replace(/\d+/, 'N'), size])).toEqual([
        ['slurm-N.0', 2],
        ['slurm-N.1', 2],
      ]);
      expect(report.totals).toMatchObject({ nodes: 1, ranks: 4, adopted: 4 });
      // The second one has no discovery of its own if the wrapper was ready to keep the first one's topology.
      const kept = report.steps.flatMap(({ nodes }) => nodes.filter((node) => node.kept !== null));
      expect(report.totals.discoveries).toBe(2 - kept.length);
      expect(report.steps[0]?.nodes[0]?.kept).toBe(null);
      expect(new Set(tracks.map(({ process }) => process)).size).toBe(1);
      expect(tracks.map(({ thread }) => thread.replace(/slurm-\d+/, 'N'))).toEqual([
        'rank 0 of N.0',
        'rank 1 of N.0',
        'rank 0 of N.1',
        'rank 1 of N.1',
      ]);
    });
  });
});

describe.concurrent('what did not go well is in it', () => {
  /** A job of which ranks are killed: its status is that of the kill. */
  async function runDeadly(ranks: number, faults: object[]) {
    // A rank that dies within some milliseconds leaves nothing: here the leader comes when the others have said that they are there.
    const rank = [node, '--import', killSwitch, join(import.meta.dirname, '../faults/fixtures/rank.mjs')];
    const come = `$(cat $HWLOC_SHARE_SPOOL/*.jsonl 2>/dev/null | grep -c '"come"')`;
    const script = `[ $HWLOC_SHARE_RANK = 0 ] && until [ ${come} = ${ranks - 1} ]; do sleep 0.05; done; exec "$@"`;
    const program = ['sh', '-c', script, 'sh', ...rank];
    const folder = temporaryFolder();
    const [report, trace] = [join(folder, 'report.json'), join(folder, 'trace.json')];
    const words = wrapper('--report', report, '--trace', trace, ...local(ranks, ...program));
    const job = await runJob(words, {
      env: {
        HWLOC_SHARE_DIR: temporaryFolder(),
        FAULTS: JSON.stringify(faults),
        FAULTS_LOG: join(temporaryFolder(), 'log'),
      },
    });
    expect(job.exitCode).toBe(137);
    expect(readdirSync(folder).sort()).toEqual(['report.json', 'trace.json']);
    return { ...job, report: reportIn(report), tracks: tracksIn(trace) };
  }

  test('a member that was killed before it came to its join', async () => {
    const script = '[ $HWLOC_SHARE_RANK = 1 ] && kill -KILL $$; exec "$@"';
    const folder = temporaryFolder();
    const file = join(folder, 'report.json');
    const words = wrapper('--report', file, ...local(3, 'sh', '-c', script, 'sh', ...reporter));
    const { stderr } = await runJob(words, { env: { HWLOC_SHARE_DIR: temporaryFolder() } });
    const report = reportIn(file);
    expect(report.exit).toEqual({ status: 137, signal: null });
    expect(report.totals).toMatchObject({ ranks: 3, adopted: 2, missing: 1 });
    const missing = ranksIn(report).find(({ how }) => how === 'missing');
    expect(missing).toMatchObject({ rank: 1, localRank: 1, toldBy: 'leader', pid: null });
    expect(missing?.reason).toMatch(/did not join in time/);
    expect(stderr).toContain('hwloc-share: rank 1 did not come to the end of a join\n');
  });

  test('a member that was killed in its join, with its process and what it left in the trace', async () => {
    const { report, tracks, stderr } = await runDeadly(3, [
      { rank: 2, point: 'member:reserved', act: 'kill' },
    ]);
    expect(report.totals).toMatchObject({ ranks: 3, adopted: 2, missing: 1 });
    const missing = ranksIn(report).find(({ how }) => how === 'missing');
    expect(missing).toMatchObject({ rank: 2, localRank: 2, toldBy: 'rank', milliseconds: null });
    expect(missing?.pid).toBeGreaterThan(0);
    expect(missing?.reason).toMatch(/its join has not ended: it was killed/);
    expect(tracks[2]?.events.map(({ name }) => name)).toEqual(['start', 'join that did not end']);
    expect(stderr).toContain('rank 2 did not come to the end of a join');
  });

  test('a leader that was killed, and what the others did then', async () => {
    const { report } = await runDeadly(3, [{ rank: 0, point: 'leader:written', act: 'kill' }]);
    expect(report.totals).toMatchObject({
      adopted: 2,
      discovered: 0,
      missing: 1,
      discoveries: 1,
      discoveriesSaved: 1,
    });
    expect(ranksIn(report).map(({ rank, how }) => [rank, how])).toEqual([
      [0, 'missing'],
      [1, 'adopted'],
      [2, 'adopted'],
    ]);
  });

  test('a leader that was killed when the others could already share', async () => {
    const { report } = await runDeadly(3, [{ rank: 0, point: 'leader:released', act: 'kill' }]);
    expect(report.totals).toMatchObject({ adopted: 2, missing: 1 });
    expect(report.steps[0]?.nodes[0]).toMatchObject({ generation: 1, discoveries: 0 });
  });

  test('all ranks killed: they had come', async () => {
    const faults = [0, 1].map((rank) => ({
      rank,
      point: rank === 0 ? 'leader:planned' : 'member:planned',
      act: 'kill',
    }));
    const { report } = await runDeadly(2, faults);
    expect(ranksIn(report).map(({ rank, how, came }) => [rank, how, typeof came])).toEqual([
      [0, 'missing', 'string'],
      [1, 'missing', 'string'],
    ]);
  });

  test('a rank that got a copy, and why', async () => {
    const { report } = await runReported(local(3, node, fixture('squatter.mjs')), {
      env: { SQUATTER: '1', AFTER_IT: '2', HWLOC_SHARE_HOLE: '0x4abc00000000' },
    });
    expect(report.totals).toMatchObject({ adopted: 2, xml: 1, discoveries: 1, discoveriesSaved: 2 });
    const copy = ranksIn(report)[1];
    expect(copy).toMatchObject({ how: 'xml', address: null, bytes: null, discovered: false });
    expect(copy?.reason).toMatch(/taken/);
    expect(report.totals.bytesSaved).toBe(report.steps[0]?.nodes[0]?.bytes);
  });

  test('a rank whose join has failed, with --strict', async () => {
    const file = join(temporaryFolder(), 'report.json');
    const options = ['--report', file, '--strict', '--hole', '0x4abc00000000'];
    await runJob(wrapper(...options, ...local(3, node, fixture('squatter.mjs'))), {
      env: { HWLOC_SHARE_DIR: temporaryFolder(), SQUATTER: '1', AFTER_IT: '2' },
    });
    const report = reportIn(file);
    expect(report.exit.status).toBe(1);
    expect(report.totals).toMatchObject({ ranks: 3, adopted: 2, failed: 1, missing: 0 });
    expect(ranksIn(report)[1]).toMatchObject({ rank: 1, how: 'failed' });
    expect(ranksIn(report)[1]?.reason).toMatch(/the topology was not shared/);
  });

  test('a rank in another language, of which its leader tells', async () => {
    const { report, stderr } = await runReported(local(3, node, fixture('by-hand.mjs')), {
      env: { BY_HAND: '1', HAND: 'well' },
    });
    expect(stderr).toBe('');
    const byHand = ranksIn(report).find(({ rank }) => rank === 1);
    const { address, bytes } = report.steps[0]?.nodes[0] ?? {};
    expect(byHand).toMatchObject({ how: 'adopted', toldBy: 'leader', address, bytes, phases: null });
    expect(report.totals).toMatchObject({ ranks: 3, adopted: 3 });
  });

  test('a child that joins with its rank’s variables is no rank of its own', async () => {
    const { report } = await runReported(local(2, node, fixture('parent.mjs')));
    expect(ranksIn(report).map(({ how }) => how)).toEqual(['adopted', 'adopted']);
  });

  test('a job started by a rank is in a report of its own, and only there', async () => {
    const inner = join(temporaryFolder(), 'inner.json');
    const command = wrapper('--report', inner, ...local(3, ...reporter));
    const plain = wrapper(...local(2, ...reporter));
    const run = `for (const words of ${JSON.stringify([command, plain])})
      require('node:child_process').spawnSync(words[0], words.slice(1), { stdio: 'ignore' })`;
    const { report } = await runReported(
      local(1, node, '-e', `import('hwloc-share/rank').then(async ({ join }) => { await join(); ${run}; })`),
    );
    expect(report.totals).toMatchObject({ ranks: 1, adopted: 1 });
    expect(reportIn(inner).totals).toMatchObject({ ranks: 3, adopted: 3 });
  });

  test('a process that no launcher started', async () => {
    const { report } = await runReported([...reporter]);
    expect(report).toMatchObject({ launcher: { kind: null }, totals: { ranks: 1, discovered: 1 } });
    expect(ranksIn(report)[0]?.reason).toMatch(/no launcher started this process/);
  });

  test('a job in which nobody joins', async () => {
    const { report, tracks, stderr } = await runReported(local(2, 'true'));
    expect(report).toMatchObject({
      steps: [],
      totals: { ranks: 0 },
      notes: ['no rank of this job has told of a join'],
    });
    expect(tracks).toEqual([]);
    expect(stderr).toBe('hwloc-share: no rank of this job has told of a join\n');
  });

  test('a job that was told to end', async () => {
    const file = join(temporaryFolder(), 'report.json');
    const job = startJob(wrapper('--report', file, ...local(2, ...reporter)), {
      env: { HWLOC_SHARE_DIR: temporaryFolder(), STAY: '60000' },
    });
    await job.printed(/(\{[^]*){2}/);
    process.kill(job.pid, 'SIGTERM');
    await job.result;
    expect(reportIn(file)).toMatchObject({ exit: { status: 143 }, totals: { adopted: 2 } });
  });

  test('a launcher that cannot be started', async () => {
    const file = join(temporaryFolder(), 'report.json');
    const { exitCode } = await runJob(wrapper('--report', file, 'no-such-launcher'));
    expect(exitCode).toBe(127);
    expect(reportIn(file)).toMatchObject({
      exit: { status: 127 },
      launcher: { command: 'no-such-launcher' },
    });
  });
});

describe.concurrent('--verbose', () => {
  test('says at the end what became of the node and of the whole, in two lines', async () => {
    const { stderr, reports } = await runSharedJob(wrapper('--verbose', ...local(3, ...reporter)));
    const { node: name = '', outcome } = reports[0] ?? {};
    const lines = linesOf(stderr);
    expect(lines).toHaveLength(2);
    expect(lines[0]).toContain(
      `hwloc-share: node ${name}: 3 of 3 ranks: one topology at 0x${outcome?.address?.toString(16) ?? ''}, ` +
        `${outcome?.length ?? 0} bytes; channel `,
    );
    expect(lines[1]).toMatch(
      /^hwloc-share: 3 ranks on 1 node: 3 adopted; 1 discovery instead of 3, \d+ (bytes|KiB) of memory saved$/,
    );
  });

  test('by the variable as well', async () => {
    const job = await runSharedJob(wrapper(...local(2, ...reporter)), { env: { HWLOC_SHARE_VERBOSE: '1' } });
    expect(job.stderr).toMatch(/2 ranks on 1 node: 2 adopted/);
  });

  test('without the wrapper, the leader says its part', async () => {
    const name: LauncherName = 'mpich';
    if (launcher(name).missing !== undefined) return;
    const { stderr } = await runSharedJob(launcherCommands[name](3, reporter), {
      env: { HWLOC_SHARE_VERBOSE: '1' },
    });
    expect(linesOf(stderr)).toHaveLength(1);
    expect(stderr).toMatch(/rank 0: 3 of 3 ranks: one topology at 0x[0-9a-f]+, \d+ bytes; channel /);
  });
});

test('a rank that nobody asked for a report has no variable of it', async () => {
  const { stdout } = await runJob(wrapper('local', '-n', '1', 'env'), {
    env: { HWLOC_SHARE_DIR: temporaryFolder(), HWLOC_SHARE_SPOOL: '/outer' },
  });
  expect(stdout).not.toContain('HWLOC_SHARE_SPOOL');
  expect(existsSync('/outer')).toBe(false);
});
