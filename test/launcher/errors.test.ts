// What the command says where it cannot write, and where the fault is its own.
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { runJob } from '../support/job.js';
import { temporaryFolder } from '../support/temporary.js';
import { wrapper } from '../support/wrapper.js';

describe.concurrent('a standard output that is full', () => {
  test.each([
    [['--help']],
    [['--version']],
    [['local', '--help']],
    [['completion', 'bash']],
    [['show', 'pack:2 core:4 pu:2']],
    [['show', 'pu:2', '--format', 'json']],
    [['maps', String(process.pid)]],
  ])('is told in one line, with status 1: %j', async (words) => {
    const { exitCode, stderr } = await runJob([
      'sh',
      '-c',
      'exec "$@" >/dev/full',
      'sh',
      ...wrapper(...words),
    ]);
    expect({ exitCode, stderr }).toEqual({
      exitCode: 1,
      stderr: 'hwloc-share: cannot write to stdout: ENOSPC: no space left on device, write\n',
    });
  });
});

describe.concurrent('a fault of the program itself', () => {
  // None is known; so one is made, where each command passes. Node imports this before the command.
  const sabotage = 'process.geteuid = () => { throw new TypeError("made for a test"); }';
  const env = { NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(sabotage)}` };

  test.each([
    [['clean']],
    [['doctor']],
    [['show', 'pu:2']],
    [['maps', '1']],
    [['completion', 'bash']],
    [['local', '-n', '1', 'true']],
    [['sh', '-c', 'true']],
  ])('says what it is, then where it happened, in short lines: %j', async (words) => {
    const { exitCode, stdout, stderr } = await runJob(wrapper(...words), { env });
    expect({ exitCode, stdout }).toEqual({ exitCode: 1, stdout: '' });
    const [first = '', ...frames] = stderr.trimEnd().split('\n');
    expect(first).toMatch(
      /^hwloc-share: a fault of hwloc-share itself: made for a test; please report it with these lines \(hwloc-share \d+\.\d+\.\d+, Node v\d+\.\S+, Linux \d+\.\S+\)$/,
    );
    expect(frames.length).toBeGreaterThan(2);
    for (const frame of frames) expect(frame).toMatch(/^ {4}at .{1,200}$/);
  });
});

test('a working directory that was removed is named, where it matters', async () => {
  const folder = join(temporaryFolder(), 'gone');
  const script = 'cd "$0" && rmdir "$0" && exec "$@"';
  const from = async (...words: string[]) => {
    mkdirSync(folder, { recursive: true });
    const { exitCode, stderr } = await runJob(['sh', '-c', script, folder, ...wrapper(...words)]);
    return { exitCode, stderr };
  };
  expect(await from('--report', 'report.json', 'true')).toEqual({
    exitCode: 1,
    stderr: 'hwloc-share: the working directory has been removed: change to another one\n',
  });
  expect(await from('--strict', 'true')).toEqual({ exitCode: 0, stderr: '' });
});
