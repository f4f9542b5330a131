// What does not go as planned: ranges taken, ranks that are late, dead, strict, twice there, or not ranks at all.
import { symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { SCATTER_WINDOWS, sizeOf } from '../../src/maps/index.js';
import { expectAllAdopted, fixture, reporter, reportsIn, runSharedJob } from '../support/shared-job.js';
import { temporaryFolder } from '../support/temporary.js';
import { wrapper } from '../support/wrapper.js';

const node = process.execPath;
const local = (ranks: number, ...program: string[]) => wrapper('local', '-n', String(ranks), ...program);
const howOf = (stdout: string) => reportsIn(stdout).map(({ outcome }) => outcome.how);

describe('the range', () => {
  const [window = { start: 0, end: 0 }] = SCATTER_WINDOWS;

  test('is re-planned when a rank takes it on purpose after it sent its ranges; all adopt', async () => {
    const { reports, stderr } = await runSharedJob(local(4, node, fixture('squatter.mjs')), {
      env: { SQUATTER: '1', AFTER_IT: '2' },
    });
    expectAllAdopted(reports, 4);
    for (const { outcome } of reports) expect(outcome.generation).toBe(2);
    expect(stderr).toBe('');
  });

  test('cannot be taken in the leader any more, when it has written for it', async () => {
    const { reports } = await runSharedJob(local(3, node, fixture('squatter.mjs')), {
      env: { SQUATTER: '0', AFTER_IT: '2' },
    });
    expectAllAdopted(reports, 3);
    for (const { outcome } of reports) expect(outcome.generation).toBe(1);
  });

  // The whole window in which the leader looks first: whatever it wrote while the others came is of no use.
  test.each([
    ['a topology', {}],
    ['a topology with data in front', { SHARE_BYTES: '100000' }],
  ])('that the leader has written %s for is another one if it is taken in a member', async (_, env) => {
    const TAKEN = `1:${window.start}:${sizeOf(window)}`;
    const { reports, stderr } = await runSharedJob(local(3, node, fixture('taken.mjs')), {
      env: { ...env, TAKEN },
    });
    expectAllAdopted(reports, 3);
    for (const { outcome } of reports) expect(outcome.address).toBeGreaterThanOrEqual(0x6000_0000_0000);
    expect(stderr).toBe('');
  });

  test('at an address that is asked for', async () => {
    const { reports } = await runSharedJob(
      wrapper('--hole', '0x4abc00000000', 'local', '-n', '3', ...reporter),
    );
    expectAllAdopted(reports, 3);
    expect(reports[0]?.outcome.address).toBe(0x4abc_0000_0000);
  });

  test.each(['begin', 'biggest', 'libs', 'heap', 'stack'])('of the kind %s', async (kind) => {
    const { reports, stderr } = await runSharedJob(local(3, ...reporter), {
      env: { HWLOC_SHARE_HOLE: kind },
    });
    expect(stderr).toBe('');
    expectAllAdopted(reports, 3);
  });

  test('that is taken in one rank for good: it takes the XML, the others adopt', async () => {
    const { reports, stderr } = await runSharedJob(local(4, node, fixture('squatter.mjs')), {
      env: { SQUATTER: '1', AFTER_IT: '2', HWLOC_SHARE_HOLE: '0x4abc00000000' },
    });
    expect(reports.map(({ outcome }) => outcome.how)).toEqual(['adopted', 'xml', 'adopted', 'adopted']);
    expect(new Set(reports.map(({ tree }) => tree)).size).toBe(1);
    expect(reports[1]?.outcome.reason).toMatch(/taken/);
    expect(reports[1]?.isThisSystem).toBe(true);
    expect(stderr.trimEnd().split('\n')).toHaveLength(1);
    expect(stderr).toMatch(/^hwloc-share: node \S+, rank 1: /);
  });
});

describe('a rank that comes late', () => {
  test('adopts from the published plan', async () => {
    const { reports, stderr } = await runSharedJob(
      wrapper('--timeout', '1', 'local', '-n', '3', ...reporter),
      { env: { DELAY: '2:3500', STAY: '4000', BARRIER: 'no' } },
    );
    expectAllAdopted(reports, 3);
    expect(stderr).toMatch(/rank 0: rank 2 has not joined; continuing without it \(it can still join\)/);
  });

  test('a leader that comes last is waited for', async () => {
    const { reports } = await runSharedJob(local(3, ...reporter), { env: { DELAY: '0:400' } });
    expectAllAdopted(reports, 3);
  });

  test('a local rank 0 that never comes: another rank leads, and the others share', async () => {
    const { stdout, stderr } = await runSharedJob(local(3, node, fixture('absent.mjs')), {
      env: { ABSENT: '0' },
    });
    expect(howOf(stdout)).toEqual(['adopted', 'adopted']);
    expect(stderr).toMatch(/rank [12]: rank 0 has not joined; continuing without it/);
  });
});

describe('a death', () => {
  test('of a member, after it announced itself, does not hold up the others', async () => {
    const command = local(4, node, fixture('absent.mjs'));
    const { stdout, durationMs } = await runSharedJobOfTheDead(command, { DIES: '2', DELAY: '3:900' });
    expect(howOf(stdout)).toEqual(['adopted', 'adopted', 'adopted']);
    expect(durationMs).toBeLessThan(20_000);
  });

  test('of a member before the leader has come does not hold up the others', async () => {
    const command = local(4, node, fixture('absent.mjs'));
    const { stdout, durationMs } = await runSharedJobOfTheDead(command, { DIES: '2', DELAY: '0:2000' });
    expect(howOf(stdout)).toEqual(['adopted', 'adopted', 'adopted']);
    expect(durationMs).toBeLessThan(20_000);
  });

  test('of the leader, while the others wait: another rank leads, and the others share', async () => {
    const command = local(4, node, fixture('absent.mjs'));
    const { stdout, durationMs } = await runSharedJobOfTheDead(command, {
      DIES: '0',
      DELAY: '3:900',
    });
    expect(howOf(stdout)).toEqual(['adopted', 'adopted', 'adopted']);
    expect(durationMs).toBeLessThan(20_000);
  });
});

/** As runSharedJob, for jobs of which a rank is killed: their status is that of the kill. */
async function runSharedJobOfTheDead(command: string[], env: Record<string, string>) {
  return runSharedJob([node, fixture('expect-status.mjs'), '137', ...command], { env });
}

describe('a job with --strict', () => {
  test('is none the worse for it when all goes well', async () => {
    expectAllAdopted((await runSharedJob(wrapper('--strict', 'local', '-n', '3', ...reporter))).reports, 3);
  });

  test('fails in the rank that cannot share, with a reason', async () => {
    const command = wrapper('--strict', '--hole', '0x4abc00000000', 'local', '-n', '4');
    const { reports, stderr } = await runSharedJob(
      [node, fixture('expect-status.mjs'), '1', ...command, node, fixture('squatter.mjs')],
      { env: { SQUATTER: '1', AFTER_IT: '2' } },
    );
    expect(reports.map(({ rank }) => rank)).toEqual([0, 2, 3]);
    expect(stderr).toMatch(
      /NotSharedError: the topology was not shared: the planned range is taken in this rank/,
    );
  });
});

describe('a second join', () => {
  test('in one process gets the same topology, which lives until the last close()', async () => {
    const { stdout } = await runSharedJob(local(3, node, fixture('twice.mjs')));
    expect(stdout.trimEnd().split('\n')).toEqual(
      Array(3).fill('same topology; open after the first close; closed after the last'),
    );
  });

  test('at the barrier of which a killed leader is missing, the others pass together, and know', async () => {
    const { stdout, stderr } = await runSharedJobOfTheDead(local(3, node, fixture('leader-dies.mjs')), {});
    expect(stdout).toBe('passed, without all\npassed, without all\n');
    expect(stderr).toBe('');
  });

  test('in a child that inherits its rank is not waited for', async () => {
    const { stdout, durationMs } = await runSharedJob(local(2, node, fixture('parent.mjs')));
    const lines = stdout.trimEnd().split('\n').sort();
    expect(lines).toEqual(['adopted', 'adopted', 'discovered', 'discovered']);
    expect(durationMs).toBeLessThan(15_000);
  });
});

describe('hwloc-share/auto', () => {
  test('joins on import', async () => {
    const { stdout } = await runSharedJob(local(3, node, fixture('auto.mjs')));
    expect(new Set(stdout.trimEnd().split('\n')).size).toBe(1);
  });

  test('joins with --import, in a job that knows nothing of it', async () => {
    const { stdout, stderr } = await runSharedJob(
      local(3, node, '--import', 'hwloc-share/auto', '-e', 'console.log(7)'),
      {
        env: { HWLOC_SHARE_VERBOSE: '1' },
      },
    );
    expect(stdout).toBe('7\n7\n7\n');
    expect(stderr).toMatch(/3 of 3 ranks: one topology/);
  });
});

test('a process that no launcher started is alone, and nothing is wrong', async () => {
  const { reports, stderr } = await runSharedJob([...reporter]);
  expect(reports[0]).toMatchObject({ rank: 0, size: 1, outcome: { how: 'discovered' } });
  expect(reports[0]?.outcome.reason).toMatch(/no launcher/);
  expect(stderr).toBe('');
});

test('settings that make no sense are complained of, and the job goes on', async () => {
  const { reports, stderr } = await runSharedJob(local(2, ...reporter), {
    env: { HWLOC_SHARE_TIMEOUT: 'soon', HWLOC_SHARE_IO: 'some', HWLOC_SHARE_HOLE: 'deep' },
  });
  expectAllAdopted(reports, 2);
  for (const name of ['TIMEOUT=soon', 'IO=some', 'HOLE=deep'])
    expect(stderr).toContain(`HWLOC_SHARE_${name}`);
});

test('local rank 0 without libhwloc ends; the others share', async () => {
  const folder = withoutLibhwloc();
  const program = [
    'sh',
    '-c',
    '[ $HWLOC_SHARE_RANK != 0 ] || export LD_LIBRARY_PATH="$BAD"; exec "$@"',
    'sh',
    ...reporter,
  ];
  const { reports, stderr, durationMs } = await runSharedJob(
    [node, fixture('expect-status.mjs'), '1', ...local(3, ...program)],
    { env: { BAD: folder } },
  );
  expect(reports.map(({ outcome }) => outcome.how)).toEqual(['adopted', 'adopted']);
  expect(stderr).toMatch(/rank [12]: rank 0 has not joined; continuing without it/);
  expect(durationMs).toBeLessThan(15_000);
});

test('without any libhwloc, the error says what was looked for and how to install it', async () => {
  const folder = withoutLibhwloc();
  const command = local(1, ...reporter);
  const { stderr } = await runSharedJob([node, fixture('expect-status.mjs'), '1', ...command], {
    env: { LD_LIBRARY_PATH: folder },
  });
  expect(stderr).toMatch(
    /LibhwlocNotFoundError: libhwloc was not found \(.*libhwloc\.so\.15.*apt-get install libhwloc15/,
  );
});

/** A folder for LD_LIBRARY_PATH: the dynamic linker finds these files first, and cannot use them. As good as not installed. */
function withoutLibhwloc() {
  const folder = temporaryFolder();
  for (const name of ['libhwloc.so.15', 'libhwloc.so']) symlinkSync('/dev/null', join(folder, name));
  return folder;
}
