// The built-in launcher, for real.
import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { type JobOptions, type JobResult, runJob, startJob } from '../support/job.js';
import { processesLeft, processesWith } from '../support/leftovers.js';
import { temporaryFolder } from '../support/temporary.js';
import { wrapper } from '../support/wrapper.js';

function local(words: readonly string[], options: JobOptions = {}): Promise<JobResult> {
  const env = { HWLOC_SHARE_DIR: temporaryFolder(), ...options.env };
  return runJob(wrapper('local', ...words), { ...options, env });
}

/** A rank that is a shell script, which sees its number as $r. */
function script(text: string): string[] {
  return ['sh', '-c', `r=$HWLOC_SHARE_RANK; ${text}`];
}

test.concurrent('each rank is told its place in the job, and whose job it is', async () => {
  const names = ['RANK', 'SIZE', 'LOCAL_RANK', 'LOCAL_SIZE', 'JOB'].map((name) => `$HWLOC_SHARE_${name}`);
  const { stdout, stderr, exitCode } = await local(['-n', '5', ...script(`echo ${names.join(' ')}`)]);
  const ranks = stdout
    .trim()
    .split('\n')
    .map((line) => line.split(' '));
  expect(ranks.map(([rank, , localRank]) => [rank, localRank]).sort()).toEqual(
    ['0', '1', '2', '3', '4'].map((rank) => [rank, rank]),
  );
  for (const [, size, , localSize, job] of ranks) {
    expect([size, localSize]).toEqual(['5', '5']);
    expect(job).toBe(ranks[0]?.[4]);
  }
  expect({ stderr, exitCode }).toEqual({ stderr: '', exitCode: 0 });
});

test.concurrent('64 ranks start and end without a word', async () => {
  const { stdout, stderr, exitCode } = await local(['-n', '64', ...script('echo $r')]);
  expect(
    stdout
      .trim()
      .split('\n')
      .map(Number)
      .sort((a, b) => a - b),
  ).toEqual(Array.from({ length: 64 }, (_, i) => i));
  expect({ stderr, exitCode }).toEqual({ stderr: '', exitCode: 0 });
});

test.concurrent('rank 0 reads our standard input, the others find theirs empty', async () => {
  const { stdout } = await local(['-n', '3', ...script('echo "$r:$(cat)"')], { stdin: 'for rank 0' });
  expect(stdout.trim().split('\n').sort()).toEqual(['0:for rank 0', '1:', '2:']);
});

describe.concurrent('the status', () => {
  test('is the highest of the ranks', async () => {
    expect((await local(['-n', '4', ...script('exit $((r * 3))')])).exitCode).toBe(9);
    expect((await local(['-n', '3', ...script('exit $((2 - r))')])).exitCode).toBe(2);
  });

  test('is 128 + n for a rank that signal n killed, and the launcher itself was not killed', async () => {
    const { exitCode, signal } = await local(['-n', '3', ...script('[ $r = 1 ] && kill -KILL $$; exit 5')]);
    expect({ exitCode, signal }).toEqual({ exitCode: 137, signal: undefined });
    expect((await local(['-n', '2', ...script('kill -TERM $$')])).exitCode).toBe(143);
  });

  test('is 127 where there is no such program, 126 where it cannot be run, said once', async () => {
    const missing = await local(['-n', '3', 'no-such-program']);
    expect(missing).toMatchObject({
      exitCode: 127,
      stderr: 'hwloc-share: no-such-program: command not found\n',
    });
    const file = join(temporaryFolder(), 'file');
    writeFileSync(file, '', { mode: 0o600 });
    const locked = await local(['-n', '3', file]);
    expect(locked).toMatchObject({ exitCode: 126, stderr: `hwloc-share: ${file}: permission denied\n` });
  });
});

describe.concurrent('a rank that dies', () => {
  test('does not end the others', async () => {
    const { stdout, exitCode } = await local([
      '-n',
      '3',
      ...script('[ $r = 0 ] && kill -KILL $$; [ $r = 1 ] && exit 3; sleep 0.5; echo $r done'),
    ]);
    expect(stdout).toBe('2 done\n');
    expect(exitCode).toBe(137);
  });

  test('ends the others with --kill-on-bad-exit, and all processes of theirs', async () => {
    // Rank 2 is a shell script that waits for its program, and dies before it.
    const job = await local([
      '-n',
      '3',
      '--kill-on-bad-exit',
      ...script(
        '[ $r = 0 ] && { sleep 0.3; exit 3; }; [ $r = 1 ] && exec sleep 60; sleep 61; echo not reached',
      ),
    ]);
    expect(job).toMatchObject({ stdout: '', exitCode: 143 });
    expect(job.durationMs).toBeLessThan(10_000);
    expect(await processesLeft(() => processesWith(job.marker))).toEqual([]);
  });

  test('ends even those that will not hear, with --kill-on-bad-exit', async () => {
    const job = await local([
      '-n',
      '2',
      '--kill-on-bad-exit',
      ...script('[ $r = 0 ] && { sleep 0.3; exit 3; }; trap "" TERM; while :; do sleep 1; done'),
    ]);
    expect(job.exitCode).toBe(137);
    expect(job.durationMs).toBeGreaterThan(2000);
    expect(job.durationMs).toBeLessThan(10_000);
    expect(await processesLeft(() => processesWith(job.marker))).toEqual([]);
  });

  test('with status 0 ends nobody, with --kill-on-bad-exit', async () => {
    const job = await local([
      '-n',
      '2',
      '--kill-on-bad-exit',
      ...script('[ $r = 0 ] && exit 0; sleep 0.3; echo $r done'),
    ]);
    expect(job).toMatchObject({ stdout: '1 done\n', exitCode: 0 });
  });
});

test.concurrent(
  'a SIGTERM to the launcher alone ends the ranks, what is below them, and leaves nothing',
  async () => {
    const dir = temporaryFolder();
    const job = startJob(
      wrapper(
        'local',
        '-n',
        '3',
        ...script(
          `umask 077; mkdir -p $HWLOC_SHARE_DIR/hwloc-share-$(id -u)/$HWLOC_SHARE_JOB.x; echo up; sleep 60; echo not reached`,
        ),
      ),
      { env: { HWLOC_SHARE_DIR: dir } },
    );
    await job.printed(/up[^]*up[^]*up/);
    process.kill(job.pid, 'SIGTERM');
    const { exitCode, stdout, durationMs } = await job.result;
    expect({ exitCode, stdout }).toEqual({ exitCode: 143, stdout: 'up\nup\nup\n' });
    expect(durationMs).toBeLessThan(10_000);
    expect(await processesLeft(() => processesWith(job.marker))).toEqual([]);
    expect(readdirSync(dir)).toEqual([]);
  },
);

test.concurrent('a SIGUSR1 to the launcher reaches each rank, and not what is below it', async () => {
  const below = 'trap "echo below" USR1; echo up; while :; do sleep 0.1; done';
  const rank = `sh -c '${below}' & trap 'echo $r got it; kill -KILL $!; exit 4' USR1; wait`;
  const job = startJob(wrapper('local', '-n', '2', ...script(rank)), {
    env: { HWLOC_SHARE_DIR: temporaryFolder() },
  });
  await job.printed(/up[^]*up/);
  process.kill(job.pid, 'SIGUSR1');
  const { exitCode, stdout } = await job.result;
  expect(stdout.replaceAll('up\n', '').split('\n').sort()).toEqual(['', '0 got it', '1 got it']);
  expect(exitCode).toBe(4);
});
