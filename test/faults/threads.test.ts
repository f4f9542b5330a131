// Several threads of one rank join, in any order and at once: the first is the rank, the others share its topology. The other ranks
// notice nothing.
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { runJob } from '../support/job.js';
import { leftovers, processesLeft, processesWith } from '../support/leftovers.js';
import { machineFile } from '../support/machine-file.js';
import { temporaryFolder } from '../support/temporary.js';
import { wrapper } from '../support/wrapper.js';

interface Told {
  rank: number;
  threads: { how: string; reason?: string; phases: string[]; tree: string; data: number[]; ms: number }[];
  left: { open: string[]; mapped: string[] };
}

const fixture = join(import.meta.dirname, 'fixtures/threads.mjs');

/** Runs a job of 3, in one rank of which these threads join. @returns what became of those threads. */
async function runThreads(rank: number, threads: string, ...options: string[]): Promise<Told['threads']> {
  const folder = temporaryFolder();
  const job = wrapper('--dir', folder, ...options, 'local', '-n', '3', process.execPath, fixture);
  const { stdout, stderr, exitCode, marker } = await runJob(job, {
    env: { ...(await machineFile()), THREADS: threads, THREADS_OF: String(rank), HWLOC_SHARE_DIR: folder },
  });
  expect(exitCode, stderr).toBe(0);
  expect(leftovers([folder])).toEqual([]);
  expect(await processesLeft(() => processesWith(marker))).toEqual([]);

  const lines = stdout.split('\n').filter((line) => line.startsWith('{'));
  const told = lines.map((line) => JSON.parse(line) as Told);
  expect(told).toHaveLength(3);
  expect(new Set(told.flatMap((each) => each.threads).map(({ tree }) => tree)).size).toBe(1);
  for (const each of told) {
    // What several threads have, or one did not close, stays until the process ends.
    const isShared = each.threads.some(({ phases }) => phases.includes('thread'));
    expect(each.left.open).toEqual([]);
    expect(each.left.mapped).toHaveLength(isShared ? 1 : 0);
    for (const { data } of each.threads) expect(data).toEqual([1, 2, 3]);
  }
  for (const { threads: others } of told.filter((each) => each.rank !== rank)) {
    expect(others).toMatchObject([{ how: 'adopted' }]);
  }
  return told.find((each) => each.rank === rank)?.threads ?? [];
}

const rank = { how: 'adopted', phases: expect.not.arrayContaining(['thread']) as string[] };
const thread = { how: 'adopted', phases: ['thread'] };
const copy = {
  how: 'discovered',
  reason: 'this rank has joined before, in this or another thread, or its parent process has',
};

describe.each([
  ['a member', 1],
  ['the leader', 0],
])('%s', (_, number) => {
  test.each([
    ['joins in a worker thread only', 'worker', [rank]],
    ['joins in a worker thread after the main thread', 'main,worker', [rank, thread]],
    ['joins in a worker thread and again in another', 'worker,worker,worker', [rank, thread, thread]],
    ['joins in its main thread after a worker', 'worker,main', [rank, thread]],
    ['joins in its main thread after a worker that has ended', 'worker:leaves,main', [rank, copy]],
    ['joins in its main thread after a worker that was terminated', 'worker:terminated,main', [rank, thread]],
    ['joins in a worker after another that was terminated', 'worker:terminated,worker', [rank, thread]],
    ['joins in a worker after another that has ended', 'worker:leaves,worker', [rank, copy]],
  ])('%s', async (_title, threads, expected) => {
    const told = await runThreads(number, threads);
    expect(told).toMatchObject(expected);
    for (const { how, ms } of told) if (how !== 'adopted') expect(ms).toBeLessThan(2000);
  });

  test.each([
    ['two workers at once', 'worker+worker'],
    ['a worker and the main thread at once', 'worker+main'],
    ['four workers and the main thread at once', 'worker+worker+main+worker+worker'],
  ])('joins in %s: one of them is the rank', async (_title, threads) => {
    const told = await runThreads(number, threads);
    expect(told.filter(({ phases }) => !phases.includes('thread'))).toMatchObject([rank]);
    for (const { how } of told) expect(how).toBe('adopted');
  });
});
