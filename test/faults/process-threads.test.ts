// The threads of a process share its topology, whatever becomes of the thread that joined first.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { runJob } from '../support/job.js';
import { memoryFolder, temporaryFolder } from '../support/temporary.js';
import { distFile, wrapper } from '../support/wrapper.js';

const fixture = join(import.meta.dirname, 'fixtures/process-threads.mjs');

interface Told {
  readonly how: string;
  readonly phases: readonly string[];
  readonly reason?: string;
  readonly pus: number;
}

const inSharedThread = { how: 'discovered', phases: ['thread'] };

/** The variables of rank 0 of two, whose other rank never comes. */
const rankOfTwo = {
  HWLOC_SHARE_RANK: '0',
  HWLOC_SHARE_SIZE: '2',
  HWLOC_SHARE_LOCAL_RANK: '0',
  HWLOC_SHARE_LOCAL_SIZE: '2',
};

async function runCase(
  name: string,
  env: Record<string, string> = {},
  flags: string[] = [],
): Promise<unknown> {
  const words = [process.execPath, ...flags, fixture];
  const { stdout, stderr, exitCode, signal } = await runJob(words, {
    env: { CASE: name, HWLOC_SHARE_DIR: memoryFolder(), ...env },
  });
  expect({ exitCode, signal }, stderr).toEqual({ exitCode: 0, signal: undefined });
  return JSON.parse(stdout);
}

test('a process without a launcher discovers the machine once for all its threads', async () => {
  const [first, ...others] = (await runCase('alone')) as Told[];
  expect(first).toMatchObject({ how: 'discovered' });
  expect(first?.phases).toContain('load');
  expect(others).toEqual(
    Array(4).fill({
      ...inSharedThread,
      reason: 'the thread of this process that joined first has a topology of its own',
      pus: first?.pus,
    }),
  );
});

test('what a worker thread has joined outlives it, with the library that it needs', async () => {
  // Plugins of hwloc would keep it loaded as well.
  const env = { HWLOC_PLUGINS_PATH: '' };
  const { told, isLoaded } = (await runCase('terminated', env)) as { told: Told[]; isLoaded: boolean };
  expect(isLoaded).toBe(true);
  expect(told).toMatchObject([{ how: 'discovered' }, { ...inSharedThread, pus: told[0]?.pus }]);
});

test('a thread that ends while it joins is replaced by the next', async () => {
  const told = (await runCase('terminatedWhileJoining', { ...rankOfTwo, HWLOC_SHARE_TIMEOUT: '60' })) as Told;
  expect(told.how).toBe('discovered');
  expect(told.phases).toContain('load');
});

test('a thread does not wait for longer than the timeout for one that joins and is blocked', async () => {
  const told = (await runCase('blocked', { ...rankOfTwo, HWLOC_SHARE_TIMEOUT: '1' })) as Told;
  expect(told.phases).not.toContain('thread');
  expect(told.pus).toBeGreaterThan(0);
});

test('threads that join and leave again and again read a whole topology each time', async () => {
  expect(await runCase('often')).toEqual([1, 1, 1, 1]);
});

test('a join that failed leaves nothing to the other threads', async () => {
  const folder = temporaryFolder();
  for (const name of ['libhwloc.so.15', 'libhwloc.so']) writeFileSync(join(folder, name), 'no library');
  const codes = await runCase('failing', { LD_LIBRARY_PATH: folder });
  expect(codes).toEqual(Array(3).fill('HWLOC_SHARE_LIBHWLOC_NOT_FOUND'));
});

test('where something else has the place of what threads share, each has a topology of its own', async () => {
  const taken = join(temporaryFolder(), 'taken.mjs');
  writeFileSync(
    taken,
    `import koffi from ${JSON.stringify(import.meta.resolve('koffi'))};
     const mmap = koffi.load(null).func('intptr_t mmap(uintptr_t, size_t, int, int, int, int64_t)');
     // PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE: any access would end the process.
     mmap(0x2000000000, 0x100000, 0, 0x100022, -1, 0);`,
  );
  const told = (await runCase('alone', {}, ['--import', taken])) as Told[];
  expect(told).toHaveLength(5);
  for (const { how, phases } of told) {
    expect(how).toBe('discovered');
    expect(phases).toContain('load');
  }
});

describe('worker threads of a program that joins by --import', () => {
  test('share what their rank has, and say nothing', async () => {
    const program = join(temporaryFolder(), 'plain.mjs');
    writeFileSync(
      program,
      `import { Worker, isMainThread } from 'node:worker_threads';
       if (isMainThread) {
         const workers = [1, 2, 3].map(() => new Worker(new URL(import.meta.url)));
         await Promise.all(workers.map((worker) => new Promise((resolve) => worker.on('exit', resolve))));
       }
       console.log('ran');`,
    );
    const auto = distFile('bundle/rank/auto.mjs');
    const job = wrapper(
      '--dir',
      memoryFolder(),
      'local',
      '-n',
      '2',
      process.execPath,
      '--import',
      auto,
      program,
    );
    const { stdout, stderr, exitCode } = await runJob(job);
    expect({ stdout, stderr, exitCode }).toEqual({ stdout: 'ran\n'.repeat(8), stderr: '', exitCode: 0 });
  });
});
