// The channel: made once, by the first process that comes; removed once, by the last that leaves; and used only if nobody else can meddle
// with it.
import { spawn } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import {
  type Channel,
  channelsIn,
  enterChannel,
  leaveChannel,
  leaderByte,
  removeIfDead,
  sweep,
} from '../../src/channel/index.js';
import { ChannelRefusedError, ownUid } from '../../src/channel/place/index.js';
import { temporaryFolder } from '../support/temporary.js';
import { distFile } from '../support/wrapper.js';

/** A root that is not there yet. */
function newRoot(): string {
  return join(temporaryFolder(), `hwloc-share-${ownUid()}`);
}

function modeOf(path: string): string {
  return (statSync(path).mode & 0o7777).toString(8);
}

/** Enters a channel for the time of a test. */
function enter(roots: readonly string[], byte: number, key = 'job'): Channel {
  const channel = enterChannel(roots, key, byte);
  onTestFinished(() => {
    channel.roll.close();
  });
  return channel;
}

test('a channel is a directory of mode 700 with a roll, a lobby and the first gate, each of mode 600', () => {
  const root = newRoot();
  const { path } = enter([root], 0);
  expect(path).toBe(join(root, 'job'));
  expect([modeOf(root), modeOf(path)]).toEqual(['700', '700']);
  expect(readdirSync(path).sort()).toEqual(['gate.1', 'lobby', 'roll']);
  expect(readdirSync(path).map((name) => modeOf(join(path, name)))).toEqual(['600', '600', '600']);
  expect(readdirSync(root)).toEqual(['job']);
});

test('a rank that comes later finds the same channel, and both see each other in its roll', () => {
  const root = newRoot();
  const first = enter([root], 3);
  const second = enter([root], 7);
  expect(second.path).toBe(first.path);
  expect(first.roll.held()).toEqual([7]);
  expect(second.roll.held()).toEqual([3]);
  expect(second.roll.held([3, 4])).toEqual([3]);
});

test('many ranks are found, whatever their numbers', () => {
  const root = newRoot();
  const ranks = [0, 1, 2, 5, 8, 63, 64, 1000, 2 ** 31 - 1];
  for (const rank of ranks) enter([root], rank);
  const { roll } = enter([root], 4);
  expect(roll.held()).toEqual(ranks);
});

test('a rank whose byte another process has is a visitor', () => {
  const root = newRoot();
  expect(enter([root], 1).isVisitor).toBe(false);
  expect(enter([root], 1).isVisitor).toBe(true);
});

test('one process leads at a time, and the lead can be given back', () => {
  const root = newRoot();
  const [a, b] = [enter([root], 0), enter([root], 1)];
  expect(a.roll.take(leaderByte)).toBe('taken');
  expect(b.roll.take(leaderByte)).toBe('held');
  expect(b.roll.isHeld(leaderByte)).toBe(true);
  a.roll.drop(leaderByte);
  expect(b.roll.take(leaderByte)).toBe('taken');
});

test('the last process to leave removes the channel and its root', () => {
  const root = newRoot();
  const [a, b] = [enter([root], 0), enter([root], 1)];
  leaveChannel(a, 0);
  expect(existsSync(b.path)).toBe(true);
  leaveChannel(b, 1);
  expect(existsSync(root)).toBe(false);
});

test('a visitor that leaves does not take the channel from the rank that it visited', () => {
  const root = newRoot();
  const rank = enter([root], 0);
  leaveChannel(enter([root], 0), 0);
  expect(existsSync(rank.path)).toBe(true);
});

test('a rank that enters a removed channel by its open roll notices, and makes another', () => {
  const root = newRoot();
  const old = enter([root], 0);
  rmSync(old.path, { recursive: true });
  expect(old.roll.take(leaderByte)).toBe('leaving');
  const anew = enter([root], 0);
  expect(anew.isVisitor).toBe(false);
  expect(existsSync(anew.path)).toBe(true);
});

test('an unusable root is refused with a reason, and the next one is used', () => {
  const [bad, good] = [newRoot(), newRoot()];
  mkdirSync(bad);
  chmodSync(bad, 0o755);
  const refusals: string[] = [];
  const { root } = enterChannel([bad, good], 'job', 0, (error) => refusals.push(error.message));
  expect(root).toBe(good);
  expect(refusals).toEqual([expect.stringContaining('is open to others (mode 755)')]);
});

test('a root that is a link or a file is refused', () => {
  const [link, file] = [newRoot(), newRoot()];
  symlinkSync(temporaryFolder(), link);
  writeFileSync(file, '');
  expect(() => enterChannel([link], 'job', 0)).toThrow(ChannelRefusedError);
  expect(() => enterChannel([file], 'job', 0)).toThrow(ChannelRefusedError);
});

test('a channel in a worse root is used if another rank has made it there', () => {
  const [better, worse] = [newRoot(), newRoot()];
  const first = enter([worse], 0);
  expect(enter([better, worse], 1).path).toBe(first.path);
});

describe('a sweep', () => {
  test('removes a channel in which nobody is, and the root if it is then empty', () => {
    const root = newRoot();
    const channel = enterChannel([root], 'job', 0);
    channel.roll.close();
    expect(sweep(root)).toEqual([channel.path]);
    expect(existsSync(root)).toBe(false);
  });

  test('leaves a channel alone in which somebody is', () => {
    const root = newRoot();
    const channel = enter([root], 5);
    expect(sweep(root)).toEqual([]);
    expect(existsSync(channel.path)).toBe(true);
    expect(channelsIn(root)).toEqual([
      { path: channel.path, inUse: true, owned: false, led: false, ranks: [5] },
    ]);
  });

  test('removes what a killed process left of a channel that it was building or removing', () => {
    const root = newRoot();
    const channel = enter([root], 5);
    for (const name of ['.new-0123456789abcdef', '.old-0123456789abcdef']) mkdirSync(join(root, name), 0o700);
    expect(sweep(root).sort()).toEqual(
      ['.new-0123456789abcdef', '.old-0123456789abcdef'].map((name) => join(root, name)),
    );
    expect(existsSync(channel.path)).toBe(true);
  });

  test('leaves alone what it does not know', () => {
    const root = newRoot();
    mkdirSync(join(root, 'strange'), { recursive: true, mode: 0o700 });
    chmodSync(root, 0o700);
    writeFileSync(join(root, 'strange', 'file'), '');
    expect(sweep(root)).toEqual([]);
    expect(channelsIn(root)).toEqual([expect.objectContaining({ inUse: undefined })]);
  });

  test('says whether a channel is gone', () => {
    const root = newRoot();
    const channel = enterChannel([root], 'job', 0);
    expect(removeIfDead(channel.path)).toBe(false);
    channel.roll.close();
    expect(removeIfDead(channel.path)).toBe(true);
  });
});

test(
  'processes that enter, leave and sweep at random never lose a channel that somebody is in',
  { timeout: 60_000 },
  async () => {
    const root = newRoot();
    const script = `
    const { enterChannel, leaveChannel, sweep } = await import(${JSON.stringify(distFile('channel/index.js'))});
    const { statSync } = await import('node:fs');
    const byte = Number(process.argv[1]);
    const until = Date.now() + 3000;
    let rounds = 0;
    for (; Date.now() < until; rounds++) {
      const channel = enterChannel([${JSON.stringify(root)}], 'job', byte);
      if (channel.isVisitor) throw new Error('a visitor, and nobody has its byte');
      for (let i = 0; i < 3; i++) {
        statSync(channel.path + '/lobby');
        if (Math.random() < 0.3) sweep(${JSON.stringify(root)});
      }
      leaveChannel(channel, byte);
    }
    console.log(rounds);
  `;
    const ranks = Array.from({ length: 4 }, (_, byte) =>
      spawn(process.execPath, ['--input-type=module', '-e', script, String(byte)], {
        stdio: ['ignore', 'pipe', 'pipe'],
      }),
    );
    const results = await Promise.all(
      ranks.map(
        (rank) =>
          new Promise<string>((resolve) => {
            let text = '';
            rank.stdout.on('data', (chunk: Buffer) => (text += chunk.toString()));
            rank.stderr.on('data', (chunk: Buffer) => (text += chunk.toString()));
            rank.on('close', () => {
              resolve(text);
            });
          }),
      ),
    );
    for (const result of results) expect(result).toMatch(/^[1-9]\d*\n$/);
    expect(existsSync(root)).toBe(false);
  },
);
