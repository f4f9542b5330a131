// Waiting shows: the leader says who has come and who is missing, to somebody who sits there, or who asked for it.
import { describe, expect, test } from 'vitest';
import { launcher } from '../launchers/available.js';
import { findCommand } from '../support/commands.js';
import { type JobOptions, runJob } from '../support/job.js';
import { launcherCommands } from '../support/jobs.js';
import { reporter, reportsIn } from '../support/shared-job.js';
import { temporaryFolder } from '../support/temporary.js';
import { wrapper } from '../support/wrapper.js';

const lines = /^hwloc-share: node \S+, rank 0: (\d of \d (?:local )?ranks have come; .*)$/gm;

/** What is said of the wait in a job whose ranks come as DELAY says. */
async function saidIn(words: readonly string[], env: JobOptions['env'] = {}): Promise<string[]> {
  const { exitCode, stdout, stderr } = await runJob(words, {
    env: { HWLOC_SHARE_DIR: temporaryFolder(), ...env },
  });
  expect(exitCode, stderr).toBe(0);
  const said = [...`${stdout}\n${stderr}`.replaceAll('\r', '').matchAll(lines)].map(([, text]) => text ?? '');
  // After 2 s, 4 s, 8 s, …, however busy the machine is: not every two seconds, and not when the wait is over.
  const { load = 0, gather = 0 } = reportsIn(stdout)[0]?.outcome.phases ?? {};
  const waited = (load + gather) / 1000;
  expect(said.length, `${waited} s`).toBeLessThanOrEqual(Math.max(0, Math.floor(Math.log2(waited))));
  return said;
}

/** A job in a terminal: what is written there comes to stdout. (script(1) is of util-linux, and essential.) */
function inTerminal(words: readonly string[]): string[] {
  const quoted = words.map((word) => `'${word.replaceAll("'", `'\\''`)}'`).join(' ');
  return [findCommand('script') ?? 'script', '-q', '-e', '-c', quoted, '/dev/null'];
}

const waitingFor = (rank: number, timeout = 30) =>
  `2 of 3 ranks have come; waiting for rank ${rank}, ${timeout} s at most (HWLOC_SHARE_TIMEOUT)`;

describe.concurrent('a job that waits for a rank for more than two seconds', () => {
  const job = (...options: string[]) => wrapper(...options, 'local', '-n', '3', ...reporter);

  test('says so on a terminal, at growing intervals', async () => {
    const said = await saidIn(inTerminal(job()), { DELAY: '2:6500' });
    expect(said.length).toBeGreaterThan(1);
    expect(new Set(said)).toEqual(new Set([waitingFor(2)]));
  });

  test('says nothing where stderr goes elsewhere', async () => {
    expect(await saidIn(job(), { DELAY: '1:3500' })).toEqual([]);
  });

  test('says so with --verbose wherever stderr goes', async () => {
    const said = await saidIn(job('--verbose', '--timeout', '20'), { DELAY: '1:3500' });
    expect(new Set(said)).toEqual(new Set([waitingFor(1, 20)]));
  });

  test('stops when it goes on without it', async () => {
    const env = { DELAY: '2:4500', STAY: '2500', BARRIER: 'no' };
    const said = await saidIn(job('--verbose', '--timeout', '3'), env);
    expect(new Set(said)).toEqual(new Set([waitingFor(2, 3)]));
  });
});

test('a job in which all come in time says nothing', async () => {
  expect(await saidIn(inTerminal(wrapper('--verbose', 'local', '-n', '3', ...reporter)))).toEqual([]);
});

launcher('openmpi').describe('under Open MPI, whose ranks have a pipe', () => {
  test('it is said with --verbose only', async () => {
    // In 6.0 the second of three ranks is the third of its node, unless ranks may run anywhere.
    const [mpirun = '', ...rest] = launcherCommands.openmpi(3, reporter);
    const words = [mpirun, '--bind-to', 'none', ...rest];
    const [quiet, verbose] = await Promise.all([
      saidIn(inTerminal(wrapper(...words)), { DELAY: '1:3500' }),
      saidIn(wrapper('--verbose', ...words), { DELAY: '1:3500' }),
    ]);
    expect(quiet).toEqual([]);
    expect(new Set(verbose)).toEqual(new Set([waitingFor(1)]));
  });
});
