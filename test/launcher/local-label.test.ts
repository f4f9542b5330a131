// Labelled output of the built-in launcher.
import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { withLabels } from '../../src/launcher/run/label.js';
import { type JobOptions, type JobResult, runJob } from '../support/job.js';
import { temporaryFolder } from '../support/temporary.js';
import { wrapper } from '../support/wrapper.js';

function labelled(ranks: number, words: readonly string[], options: JobOptions = {}): Promise<JobResult> {
  const env = { HWLOC_SHARE_DIR: temporaryFolder(), ...options.env };
  return runJob(wrapper('local', '-n', String(ranks), '--label', ...words), { ...options, env });
}

/** A rank that is a shell script, which sees its number as $r. */
function script(text: string): string[] {
  return ['sh', '-c', `r=$HWLOC_SHARE_RANK; ${text}`];
}

function linesOf(text: string): string[] {
  expect(text).toMatch(/^$|\n$/);
  return text.split('\n').slice(0, -1);
}

describe.concurrent('with --label', () => {
  test('each line begins with the number of its rank, on both streams', async () => {
    const { stdout, stderr, exitCode } = await labelled(3, script('echo out $r; echo err $r >&2; exit $r'));
    expect(linesOf(stdout).sort()).toEqual(['[0] out 0', '[1] out 1', '[2] out 2']);
    expect(linesOf(stderr).sort()).toEqual(['[0] err 0', '[1] err 1', '[2] err 2']);
    expect(exitCode).toBe(2);
  });

  test('empty lines have a label, and a last line without an end gets one', async () => {
    const { stdout } = await labelled(1, ['printf', 'a\\n\\nb']);
    expect(stdout).toBe('[0] a\n[0] \n[0] b\n');
  });

  test('lines that ranks write at the same time, in pieces, do not mix', async () => {
    const { stdout } = await labelled(
      8,
      script('i=0; while [ $i -lt 200 ]; do printf "$r-"; printf "$i-"; echo $r; i=$((i + 1)); done'),
    );
    const lines = linesOf(stdout);
    for (let rank = 0; rank < 8; rank++) {
      const own = lines.filter((line) => line.startsWith(`[${rank}] `));
      expect(own).toEqual(Array.from({ length: 200 }, (_, i) => `[${rank}] ${rank}-${i}-${rank}`));
    }
    expect(lines).toHaveLength(1600);
  });

  test('a line that does not end is written in parts, and nothing of it is lost', async () => {
    const { stdout } = await labelled(2, script('head -c 300000 /dev/zero | tr "\\\\0" $r'));
    for (const rank of ['0', '1']) {
      const own = linesOf(stdout).filter((line) => line.startsWith(`[${rank}] `));
      expect(own.length).toBeGreaterThan(1);
      expect(own.map((line) => line.slice(4)).join('')).toBe(rank.repeat(300_000));
    }
  });

  test('a rank can open its standard output again, as with a pipe', async () => {
    const { stdout, stderr } = await labelled(2, script('echo $r > /dev/stdout'));
    expect({ lines: linesOf(stdout).sort(), stderr }).toEqual({ lines: ['[0] 0', '[1] 1'], stderr: '' });
  });

  test('words that are not UTF-8 reach the rank, whose output is labelled', async () => {
    const words = wrapper(
      'local',
      '-n',
      '2',
      '--label',
      'sh',
      '-c',
      'echo out; echo err >&2; printf %s "$1" | wc -c',
    );
    const job = await runJob(['sh', '-c', 'exec "$@" sh "$(printf "a\\377b")"', 'sh', ...words], {
      env: { HWLOC_SHARE_DIR: temporaryFolder() },
    });
    expect(linesOf(job.stdout).sort()).toEqual(['[0] 3', '[0] out', '[1] 3', '[1] out']);
    expect(linesOf(job.stderr).sort()).toEqual(['[0] err', '[1] err']);
  });

  test('a job whose output nobody reads any more ends, as it does without --label', async () => {
    const words = wrapper('local', '-n', '2', '--label', 'yes');
    const { stdout, exitCode } = await runJob(
      ['bash', '-c', '"$@" | head -n 1; exit ${PIPESTATUS[0]}', 'bash', ...words],
      { env: { HWLOC_SHARE_DIR: temporaryFolder() } },
    );
    expect(stdout).toMatch(/^\[[01]\] y\n$/);
    expect(exitCode).toBeGreaterThanOrEqual(1);
  });

  test('a process that a rank leaves in the background, with its output, does not hold up the job', async () => {
    const { stdout, exitCode } = await labelled(1, script('sleep 600 & echo $!'));
    const pid = /^\[0\] (\d+)\n$/.exec(stdout)?.[1] ?? '';
    expect(exitCode).toBe(0);
    const command = `/proc/${pid}/cmdline`;
    expect(existsSync(command) && readFileSync(command, 'utf8')).toBe('sleep\x00600\x00');
    process.kill(Number(pid), 'SIGKILL');
  });

  test('a program that is not there is told of once, as without --label', async () => {
    expect(await labelled(3, ['no-such-program'])).toMatchObject({
      exitCode: 127,
      stderr: 'hwloc-share: no-such-program: command not found\n',
      stdout: '',
    });
  });

  test('where no more files can be opened, the ranks write without a label, and one line says so', async () => {
    const words = wrapper('local', '-n', '40', '--label', 'sh', '-c', 'echo written');
    const { stdout, stderr, exitCode } = await runJob(
      ['sh', '-c', 'ulimit -n 60; exec "$@"', 'sh', ...words],
      { env: { HWLOC_SHARE_DIR: temporaryFolder() } },
    );
    const lines = linesOf(stdout);
    expect(lines.filter((line) => /^(\[\d+\] )?written$/.test(line))).toHaveLength(40);
    expect(lines.filter((line) => line === 'written').length).toBeGreaterThan(0);
    expect(stderr).toMatch(
      /^hwloc-share: --label: pipe2: EMFILE: .* ulimit -n; rank \d+ writes without a label\n$/,
    );
    expect(exitCode).toBe(0);
  });
});

test('labels are put in front of lines byte for byte', () => {
  const label = Buffer.from('[12] ');
  expect(withLabels(Buffer.of(0xff, 0x0a, 0x00), label)).toEqual(
    Buffer.concat([label, Buffer.of(0xff, 0x0a), label, Buffer.of(0x00, 0x0a)]),
  );
  expect(withLabels(Buffer.alloc(0), label)).toEqual(Buffer.alloc(0));
});
