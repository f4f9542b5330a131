// Data beside the topology: every rank gets the leader's, with no copy; who cannot has its own, and no job fails of it.
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { launcher } from '../launchers/available.js';
import { type Slurm, startSlurm } from '../launchers/slurm.js';
import { rootOnly } from '../support/programs.js';
import { type JobOptions, runJob } from '../support/job.js';
import { launcherCommands } from '../support/jobs.js';
import { fixture, runSharedJob } from '../support/shared-job.js';
import { temporaryFolder } from '../support/temporary.js';
import { distFile, wrapper } from '../support/wrapper.js';

/** What test/jobs/fixtures/share.mjs prints. */
interface Got {
  rank: number;
  how?: string;
  generation?: number;
  calls?: number;
  /** The different numbers in the table: the rank that made it, plus 1. */
  of?: number[] | null;
  values?: Record<string, [length: number, first: number | null]>;
  after?: number | null;
  again?: boolean;
  error?: string;
  message?: string;
}

const sharer = [process.execPath, fixture('share.mjs')];
const local = (ranks: number, ...before: string[]) =>
  wrapper(...before, 'local', '-n', String(ranks), ...sharer);

const gotIn = (stdout: string) =>
  stdout
    .split(/\r?\n/)
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line) as Got)
    .sort((a, b) => a.rank - b.rank);

async function run(
  command: readonly string[],
  env: Record<string, string | undefined>,
  options: JobOptions = {},
) {
  const { stdout, stderr } = await runSharedJob(command, { ...options, env: { ...options.env, ...env } });
  return { got: gotIn(stdout), stderr };
}

/** All adopted, and have what rank 0 has made. */
function expectLeadersEverywhere(got: readonly Got[], ranks: number, bytes = 24) {
  expect(got.map(({ rank }) => rank)).toEqual([...Array(ranks).keys()]);
  for (const each of got) {
    expect(each).toMatchObject({ how: 'adopted', of: [1], again: true });
    expect(each.values).toEqual({
      table: [bytes, each.values?.table?.[1]],
      'a name, ä': [2, 1],
      __proto__y: [0, null],
    });
  }
}

describe('every rank gets what the leader shares', () => {
  test.each(['object', 'function', 'leader'])('%s', async (SHARE) => {
    const { got, stderr } = await run(local(4), { SHARE });
    expectLeadersEverywhere(got, 4);
    expect(stderr).toBe('');
    if (SHARE === 'function') expect(got.map(({ calls }) => calls)).toEqual([1, 0, 0, 0]);
  });

  test('100 MB of it', async () => {
    const { got, stderr } = await run(local(3), { SHARE: 'leader', BYTES: '100000000' });
    expectLeadersEverywhere(got, 3, 100_000_000);
    expect(stderr).toBe('');
  });

  for (const name of ['openmpi', 'mpich'] as const) {
    launcher(name).describe(name, () => {
      test('behind the wrapper, and without it', async () => {
        const command = launcherCommands[name](3, sharer);
        expectLeadersEverywhere((await run(wrapper(...command), { SHARE: 'leader' })).got, 3);
        expectLeadersEverywhere((await run(command, { SHARE: 'function' })).got, 3);
      });
    });
  }

  launcher('slurm').describe('slurm', () => {
    let slurm: Slurm;
    beforeAll(async () => {
      slurm = await startSlurm();
    });
    afterAll(() => slurm.stop());
    test('behind the wrapper', async () => {
      const command = wrapper(...launcherCommands.slurm(3, sharer));
      expectLeadersEverywhere((await run(command, { SHARE: 'leader', ...slurm.env })).got, 3);
    });
  });
});

test('what one rank writes to it, no other sees', async () => {
  const { got } = await run(local(3), { SHARE: 'leader' });
  expect(got[1]?.after).toBe(255);
  expect([got[0]?.after, got[2]?.after]).toEqual([0x3f, 0x3f]);
});

test('where nobody shares anything, it is empty', async () => {
  const { got } = await run(local(2), { SHARE: 'none' });
  for (const each of got) expect(each).toMatchObject({ how: 'adopted', values: {}, again: true });
});

test('a process that is alone has its own', async () => {
  const { got } = await run(sharer, { SHARE: 'function' });
  expect(got).toMatchObject([{ how: 'discovered', calls: 1, of: [1] }]);
});

describe('a rank that does not adopt', () => {
  test('has it with the plan that was made anew, if its range was taken; it is written once', async () => {
    const env = { SHARE: 'leader', SQUATTER: '1', AFTER_IT: '2', BYTES: '8000000' };
    const { got, stderr } = await run(local(4), env);
    expectLeadersEverywhere(got, 4, 8_000_000);
    expect(got.map(({ generation }) => generation)).toEqual([2, 2, 2, 2]);
    expect(stderr).toBe('');
  });

  test('has it from the same file if it takes the XML', async () => {
    const env = { SHARE: 'leader', SQUATTER: '1', AFTER_IT: '2', HWLOC_SHARE_HOLE: '0x4abc00000000' };
    const { got } = await run(local(4), env);
    expect(got.map(({ how }) => how)).toEqual(['adopted', 'xml', 'adopted', 'adopted']);
    expect(got.map(({ of }) => of)).toEqual([[1], [1], [1], [1]]);
  });

  test('has it from the published plan if it comes late', async () => {
    const env = { SHARE: 'leader', DELAY: '2:3500', STAY: '4000' };
    const { got } = await run(local(3, '--timeout', '1'), env);
    expectLeadersEverywhere(got, 3);
  });

  test('has the data of the rank that leads if local rank 0 comes late', async () => {
    const { got } = await run(local(3), { SHARE: 'function', DELAY: '0:5000' });
    expect(got.map(({ how }) => how)).toEqual(['adopted', 'adopted', 'adopted']);
    expect(got.reduce((sum, { calls = 0 }) => sum + calls, 0)).toBe(1);
    expect(new Set(got.map(({ of }) => JSON.stringify(of))).size).toBe(1);
  });
});

describe('what cannot be shared', () => {
  test('because the function throws, is said by join() in the leader; the others go on with their own', async () => {
    const { got } = await run(local(3), { SHARE: 'throws' });
    expect(got[0]).toMatchObject({
      error: 'HWLOC_SHARE_DATA',
      message: 'join({ share }): the function threw: no table today',
    });
    expect(got.slice(1)).toMatchObject([
      { how: 'discovered', of: [2] },
      { how: 'discovered', of: [3] },
    ]);
  });

  test.each([
    ['a string', '{ share: "text" }'],
    ['null', '{ share: null }'],
    ['a number in it', '{ share: { table: 5 } }'],
    ['an array of numbers in it', '{ share: { table: [1, 2] } }'],
    ['a name without a letter', '{ share: { "": new Uint8Array(1) } }'],
    ['a name that is too long', '{ share: { ["ä".repeat(128)]: new Uint8Array(1) } }'],
    ['half a character as a name', '{ share: { "\\ud800": new Uint8Array(1) } }'],
    [
      'too many names',
      '{ share: Object.fromEntries(Array.from({ length: 4097 }, (_, i) => [i, new Uint8Array(1)])) }',
    ],
    ['a function that gives none', '{ share: () => undefined }'],
  ])('%s, is refused', async (_, options) => {
    const script = `import { join } from 'hwloc-share/rank'; await join(${options}).catch((error) => console.log(error.code));`;
    const { stdout } = await runSharedJob(
      wrapper('local', '-n', '1', process.execPath, '--input-type=module', '-e', script),
    );
    expect(stdout).toBe('HWLOC_SHARE_DATA\n');
  });
});

rootOnly('mount', 'unshare').describe('where /dev/shm has no room for it', () => {
  const inShm = join(import.meta.dirname, '../faults/fixtures/in-shm.sh');
  const runIn = async (kind: string, SHARE: string, others: Record<string, string> = {}) => {
    const env = { TMPDIR: temporaryFolder(), XDG_RUNTIME_DIR: undefined, HWLOC_SHARE_DIR: undefined };
    const { exitCode, stdout, stderr } = await runJob(['sh', inShm, kind, ...local(3)], {
      env: { ...env, SHARE, BYTES: '1000000', ...others },
    });
    expect(exitCode, stderr).toBe(0);
    expect(stderr).not.toContain('left:');
    return { got: gotIn(stdout), stderr };
  };

  test('it goes to the next directory, with the topology', async () => {
    const { got, stderr } = await runIn('small', 'leader');
    expectLeadersEverywhere(got, 3, 1_000_000);
    expect(stderr).toBe('');
  });

  test('nor elsewhere: the topology is shared without, each rank has its own data, and a line says so', async () => {
    const { got, stderr } = await runIn('small-everywhere', 'function');
    expect(got).toMatchObject([
      { how: 'adopted', of: [1], calls: 1 },
      { how: 'adopted', of: [2], calls: 1 },
      { how: 'adopted', of: [3], calls: 1 },
    ]);
    expect(stderr).toMatch(
      /rank 0: the data cannot be shared, each rank has its own: posix_fallocate: ENOSPC/,
    );
  });

  test('with --strict, nor elsewhere: join() fails in all ranks', async () => {
    const { got } = await runIn('small-everywhere', 'function', { HWLOC_SHARE_STRICT: '1' });
    expect(got.map(({ error }) => error)).toEqual([
      'HWLOC_SHARE_NOT_SHARED',
      'HWLOC_SHARE_NOT_SHARED',
      'HWLOC_SHARE_NOT_SHARED',
    ]);
  });
});

test('a rank that may make no more mappings reads the data instead', async () => {
  const folder = temporaryFolder();
  const { stdout, stderr } = await runJob([
    process.execPath,
    '--expose-gc',
    fixture('no-mappings.mjs'),
    folder,
    distFile('.'),
  ]);
  expect(stderr).toBe('');
  expect(stdout).toBe('a mapping: ENOMEM\nthe data: 1,2,3,4\n');
});
