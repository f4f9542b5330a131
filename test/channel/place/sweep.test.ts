// The sweep: what dead jobs left goes, what may still be in use stays.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  closeSync,
  constants,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { basename, join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { openChannel } from '../../../src/channel/channel.js';
import {
  type Keeper,
  currentKeeper,
  formatKeeper,
  keeperOf,
  ownUid,
  passingName,
  removeRoot,
  sweep,
  seesEveryProcess,
} from '../../../src/channel/place/index.js';
import { mkfifo } from '../../../src/hwloc/index.js';
import { temporaryFolder } from '../../support/temporary.js';

function newRoot(): string {
  return join(temporaryFolder(), `hwloc-share-${ownUid()}`);
}

/** A keeper that has died. */
async function deadKeeper(): Promise<Keeper> {
  const child = spawn('sleep', ['60'], { stdio: 'ignore' });
  const keeper = keeperOf(child.pid ?? 0);
  child.kill('SIGKILL');
  await once(child, 'exit');
  if (keeper === undefined) throw new Error('sleep did not start');
  return keeper;
}

test('a channel stays while its keeper lives, and goes when it is dead', async () => {
  const root = newRoot();
  const child = spawn('sleep', ['60'], { stdio: 'ignore' });
  onTestFinished(() => void child.kill('SIGKILL'));
  const keeper = keeperOf(child.pid ?? 0);
  if (keeper === undefined) throw new Error('sleep did not start');
  const { path } = openChannel([root], 'job', () => keeper);
  expect(sweep(root)).toEqual([]);
  expect(existsSync(path)).toBe(true);
  child.kill('SIGKILL');
  await once(child, 'exit');
  expect(sweep(root)).toEqual([path]);
  expect(existsSync(root)).toBe(false);
});

test('of several channels only the dead ones go, and the root stays', async () => {
  const root = newRoot();
  const dead = await deadKeeper();
  openChannel([root], 'dead', () => dead);
  openChannel([root], 'alive', currentKeeper);
  openChannel([root], 'elsewhere', () => ({ pid: 1, start: 1, namespace: 'pid:[1]' }));
  // Where all processes are seen, one of a PID namespace that nobody is in any more is known to be dead.
  const gone = seesEveryProcess() ? ['dead', 'elsewhere'] : ['dead'];
  expect(sweep(root).sort()).toEqual(gone.map((name) => join(root, name)));
  expect(readdirSync(root).sort()).toEqual(seesEveryProcess() ? ['alive'] : ['alive', 'elsewhere']);
});

test('what names no keeper is not ours to judge', () => {
  const root = newRoot();
  mkdirSync(join(root, 'strange'), { recursive: true, mode: 0o700 });
  writeFileSync(join(root, 'file'), '');
  mkdirSync(join(root, 'garbled'));
  writeFileSync(join(root, 'garbled', 'keeper'), 'nobody knows');
  expect(sweep(root)).toEqual([]);
  expect(readdirSync(root).sort()).toEqual(['file', 'garbled', 'strange']);
});

test('a channel that a dead process was building or removing goes, one of a living process stays', async () => {
  const root = newRoot();
  const alive = passingName();
  const { pid, start, namespace } = currentKeeper();
  const dead = await deadKeeper();
  const abandoned = alive.replace(`-${pid}-${start}-`, `-${dead.pid}-${dead.start}-`);
  const elsewhere = alive.replace(namespace.replace(/\D/g, ''), '1');
  for (const name of [alive, abandoned, elsewhere])
    mkdirSync(join(root, name), { recursive: true, mode: 0o700 });
  writeFileSync(join(root, abandoned, 'half'), '');
  const gone = seesEveryProcess() ? [abandoned, elsewhere] : [abandoned];
  expect(
    sweep(root)
      .map((path) => basename(path))
      .sort(),
  ).toEqual([...gone].sort());
  expect(readdirSync(root).sort()).toEqual(seesEveryProcess() ? [alive] : [alive, elsewhere].sort());
});

test('the keeper of a channel that is being built does not count, only its builder', async () => {
  const root = newRoot();
  const name = passingName();
  mkdirSync(join(root, name), { recursive: true, mode: 0o700 });
  writeFileSync(join(root, name, 'keeper'), formatKeeper(await deadKeeper()));
  expect(sweep(root)).toEqual([]);
});

test('a root that is refused is left alone', async () => {
  const keeper = await deadKeeper();
  const root = newRoot();
  openChannel([root], 'job', () => keeper);
  symlinkSync(root, `${root}-link`);
  expect(sweep(`${root}-link`)).toEqual([]);
  chmodSync(root, 0o755);
  expect(sweep(root)).toEqual([]);
  chmodSync(root, 0o700);
  expect(sweep(root)).toEqual([join(root, 'job')]);
});

test('a link to somewhere else is not followed', async () => {
  const outside = temporaryFolder();
  writeFileSync(join(outside, 'keeper'), formatKeeper(await deadKeeper()));
  writeFileSync(join(outside, 'precious'), '');
  const root = newRoot();
  mkdirSync(root, { mode: 0o700 });
  symlinkSync(outside, join(root, 'job'));
  sweep(root);
  expect(existsSync(join(outside, 'precious'))).toBe(true);
});

test('no root, or an empty one, is nothing to do', () => {
  const root = newRoot();
  expect(sweep(root)).toEqual([]);
  mkdirSync(root, { mode: 0o700 });
  expect(sweep(root)).toEqual([]);
  expect(existsSync(root)).toBe(false);
  removeRoot(root);
});

test('a channel whose launcher is dead stays while its leader lives', async () => {
  const root = newRoot();
  const dead = await deadKeeper();
  const { path, leader } = openChannel([root], 'led', () => dead);
  const child = spawn('sleep', ['60'], { stdio: 'ignore' });
  onTestFinished(() => void child.kill('SIGKILL'));
  const leading = keeperOf(child.pid ?? 0);
  if (leading === undefined) throw new Error('sleep did not start');
  writeFileSync(leader, formatKeeper(leading));
  expect(sweep(root)).toEqual([]);
  child.kill('SIGKILL');
  await once(child, 'exit');
  expect(sweep(root)).toEqual([path]);
});

test('a channel whose launcher is dead stays while a member waits in it', async () => {
  const root = newRoot();
  const dead = await deadKeeper();
  const { path } = openChannel([root], 'waiting', () => dead);
  const pair = `${path}/1-${process.pid}`;
  mkfifo(`${pair}.up`);
  mkfifo(`${pair}.down`);
  const fd = openSync(`${pair}.down`, constants.O_RDONLY | constants.O_NONBLOCK);
  expect(sweep(root)).toEqual([]);
  closeSync(fd);
  // A process of that number is there still, but not the member any more.
  expect(sweep(root)).toEqual([path]);
});
