// Keepers: a process is known by more than its pid.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { expect, onTestFinished, test } from 'vitest';
import {
  currentKeeper,
  formatKeeper,
  isAlive,
  keeperOf,
  parseKeeper,
  seesEveryProcess,
  statOf,
} from '../../../src/channel/place/index.js';
import { boundToUs } from '../../support/commands.js';
import { temporaryFolder } from '../../support/temporary.js';

/** A process that sleeps until it is told otherwise. */
function sleeper(file = 'sleep') {
  const child = spawn(...boundToUs(file, ['60']), { stdio: 'ignore' });
  onTestFinished(() => void child.kill('SIGKILL'));
  return child;
}

test('this process is alive, and so is one of our children until it is killed', async () => {
  expect(isAlive(currentKeeper())).toBe(true);
  const child = sleeper();
  const keeper = keeperOf(child.pid ?? 0);
  if (keeper === undefined) throw new Error('no such process');
  expect(isAlive(keeper)).toBe(true);
  child.kill('SIGKILL');
  await once(child, 'exit');
  expect(isAlive(keeper)).toBe(false);
  expect(keeperOf(keeper.pid)).toBeUndefined();
});

test('a zombie counts as dead', async () => {
  // Its parent has become a sleep by then, and never asks how it ended.
  const child = spawn(...boundToUs('sh', ['-c', 'sleep 0.2 & echo $!; exec sleep 60']));
  onTestFinished(() => void child.kill('SIGKILL'));
  const [chunk] = (await once(child.stdout, 'data')) as [Buffer];
  const pid = Number(chunk.toString());
  while (statOf(pid)?.state !== 'Z') await new Promise((resolve) => setTimeout(resolve, 5));
  expect(keeperOf(pid)).toBeUndefined();
  expect(isAlive({ ...currentKeeper(), pid, start: statOf(pid)?.start ?? 0 })).toBe(false);
});

test('another process with the same pid is not mistaken for the keeper', () => {
  const keeper = currentKeeper();
  expect(isAlive({ ...keeper, start: keeper.start - 1 })).toBe(false);
});

test('of a process in another PID namespace it is known only where all processes are seen', () => {
  const dead = seesEveryProcess() ? false : undefined;
  expect(isAlive({ ...currentKeeper(), namespace: 'pid:[1]' })).toBe(dead);
  expect(isAlive({ pid: 999_999_999, start: 1, namespace: 'pid:[1]' })).toBe(dead);
});

test('a keeper comes back as it was written', () => {
  const count = fc.integer({ min: 0, max: 999_999_999 });
  fc.assert(
    fc.property(count, fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER }), count, (pid, start, inode) => {
      const keeper = { pid, start, namespace: `pid:[${inode}]` };
      expect(parseKeeper(formatKeeper(keeper))).toEqual(keeper);
    }),
  );
});

test.each([
  '',
  'pid=1',
  'pid=1 start=2 namespace=x',
  'pid=-1 start=2 namespace=x\n',
  'pid=1 start=2 namespace=x\ny\n',
])('a text that names no keeper is none: %j', (text) => {
  expect(parseKeeper(text)).toBeUndefined();
});

test('a program whose name looks like the fields after it is read rightly', () => {
  const file = join(temporaryFolder(), ') Z 1 (');
  copyFileSync('/bin/sleep', file);
  // Started by itself: setpriv would not have become it yet.
  const child = spawn(file, ['60'], { stdio: 'ignore' });
  onTestFinished(() => void child.kill('SIGKILL'));
  const stat = statOf(child.pid ?? 0);
  expect(stat).toMatchObject({ command: ') Z 1 (', parent: process.pid });
  const text = readFileSync(`/proc/${child.pid ?? 0}/stat`, 'latin1');
  expect(text).toContain(` ${stat?.start ?? ''} `);
});
