// The channel: made once, whoever comes first, and only where nobody else can meddle with it.
import { spawn } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  closeSync,
  existsSync,
  linkSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import {
  claimLead,
  closeChannel,
  createFile,
  isThere,
  openChannel,
  openFile,
  openSpare,
  publish,
} from '../../src/channel/channel.js';
import { ChannelRefusedError, currentKeeper, ownUid, parseKeeper } from '../../src/channel/place/index.js';
import { boundToUs } from '../support/commands.js';
import { rootOnly } from '../support/programs.js';
import { temporaryFolder } from '../support/temporary.js';
import { distFile } from '../support/wrapper.js';

const asRoot = process.getuid?.() === 0;
const keeper = currentKeeper();

/** A root that is not there yet. */
function newRoot(): string {
  return join(temporaryFolder(), `hwloc-share-${ownUid()}`);
}

function modeOf(path: string): string {
  return (statSync(path).mode & 0o7777).toString(8);
}

test('a channel is a directory of mode 700 with pipes of mode 600, and names its keeper', () => {
  const root = newRoot();
  const channel = openChannel([root], 'job', () => keeper);
  expect(channel.path).toBe(join(root, 'job'));
  expect(modeOf(root)).toBe('700');
  expect(modeOf(channel.path)).toBe('700');
  expect(readdirSync(channel.path).sort()).toEqual(['keeper', 'lobby', 'pulse']);
  for (const pipe of [channel.lobby, channel.pulse]) {
    expect(statSync(pipe).isFIFO()).toBe(true);
    expect(modeOf(pipe)).toBe('600');
  }
  expect(parseKeeper(readFileSync(join(channel.path, 'keeper'), 'utf8'))).toEqual(keeper);
});

test('whoever comes later finds the same channel', () => {
  const root = newRoot();
  const first = openChannel([root], 'job', () => keeper);
  const { ino } = statSync(first.lobby);
  expect(openChannel([root], 'job', () => ({ ...keeper, pid: 1 }))).toEqual(first);
  expect(statSync(first.lobby).ino).toBe(ino);
  expect(readdirSync(root)).toEqual(['job']);
});

test('several processes that come at once make one channel, and all find it', async () => {
  const root = newRoot();
  const script = `
    import { statSync } from 'node:fs';
    import { openChannel } from ${JSON.stringify(distFile('channel/index.js'))};
    import { currentKeeper } from ${JSON.stringify(distFile('channel/place/index.js'))};
    process.stdin.once('data', () => {
      const found = [];
      for (let round = 0; round < 20; round++) {
        const { lobby } = openChannel([${JSON.stringify(root)}], 'job' + round, currentKeeper);
        found.push(statSync(lobby).ino);
      }
      process.stdout.write(JSON.stringify(found));
      process.exit();
    });
    process.stdout.write('ready ');`;
  const children = Array.from({ length: 6 }, () =>
    spawn(...boundToUs(process.execPath, ['--input-type=module', '-e', script])),
  );
  onTestFinished(() => {
    for (const child of children) child.kill('SIGKILL');
  });
  const outputs = children.map(() => '');
  const errors: string[] = [];
  const ended = children.map((child, i) => {
    child.stdout.on('data', (chunk: Buffer) => (outputs[i] = `${outputs[i] ?? ''}${chunk.toString()}`));
    child.stderr.on('data', (chunk: Buffer) => errors.push(chunk.toString()));
    return new Promise((resolve) => child.on('close', resolve));
  });
  await Promise.all(children.map((child) => new Promise((resolve) => child.stdout.once('data', resolve))));
  for (const child of children) child.stdin.write('go');
  await Promise.all(ended);

  expect(errors.join('')).toBe('');
  const found = outputs.map((output) => JSON.parse(output.replace('ready ', '')) as number[]);
  expect(found[0]).toHaveLength(20);
  for (const each of found) expect(each).toEqual(found[0]);
  // Those who lost the race took away what they had built.
  expect(readdirSync(root).sort()).toEqual(Array.from({ length: 20 }, (_, i) => `job${i}`).sort());
});

describe('a place that is not ours alone is refused, and the next one is used', () => {
  const spoil: [string, string, (root: string) => void, runs?: boolean][] = [
    [
      'a link',
      'is a symbolic link',
      (root) => {
        mkdirSync(`${root}-elsewhere`, { mode: 0o700 });
        symlinkSync(`${root}-elsewhere`, root);
      },
    ],
    [
      'a file',
      'is not a directory',
      (root) => {
        writeFileSync(root, '', { mode: 0o600 });
      },
    ],
    [
      'open to others',
      'is open to others (mode 750)',
      (root) => {
        mkdirSync(root);
        chmodSync(root, 0o750);
      },
    ],
    [
      "another user's",
      'belongs to user 12345',
      (root) => {
        mkdirSync(root, { mode: 0o700 });
        chownSync(root, 12345, 0);
      },
      asRoot,
    ],
  ];

  test.each(spoil.filter(([, , , runs = true]) => runs))('a root that is %s', (name, why, make) => {
    const remedy =
      {
        'open to others': 'close it to others (chmod 700), or ',
        // Who may be using it.
        "another user's": '',
      }[name] ?? 'remove it, or ';
    const [bad, good] = [newRoot(), newRoot()];
    make(bad);
    const refused: string[] = [];
    const channel = openChannel(
      [bad, good],
      'job',
      () => keeper,
      ({ message }) => refused.push(message),
    );
    expect(channel.root).toBe(good);
    expect(refused).toEqual([`${bad} ${why}; refused: ${remedy}set HWLOC_SHARE_DIR to another directory`]);
    if (statSync(bad).isDirectory()) expect(readdirSync(bad)).toEqual([]);
  });

  test.each(spoil.filter(([, , , runs = true]) => runs))('a channel that is %s', (_, why, make) => {
    const [bad, good] = [newRoot(), newRoot()];
    mkdirSync(bad, { mode: 0o700 });
    make(join(bad, 'job'));
    const refused: string[] = [];
    const channel = openChannel(
      [bad, good],
      'job',
      () => keeper,
      ({ message }) => refused.push(message),
    );
    expect(channel.root).toBe(good);
    expect(refused).toEqual([expect.stringContaining(`${join(bad, 'job')} ${why}`)]);
  });

  test('a root whose directory is not there, without a word', () => {
    const good = newRoot();
    const refused: Error[] = [];
    const channel = openChannel(
      ['/no/such/place/root', good],
      'job',
      () => keeper,
      (error) => refused.push(error),
    );
    expect(channel.root).toBe(good);
    expect(refused).toEqual([]);
  });

  test('where none is left, the last refusal is thrown', () => {
    const root = newRoot();
    writeFileSync(root, '');
    expect(() => openChannel(['/no/such/place/root', root], 'job', () => keeper)).toThrow(
      ChannelRefusedError,
    );
    expect(() => openChannel([], 'job', () => keeper)).toThrow('no directory for a channel');
  });
});

describe('removal', () => {
  test('takes the root with it when nothing else is there', () => {
    const root = newRoot();
    const channel = openChannel([root], 'job', () => keeper);
    writeFileSync(join(channel.path, 'topology.1'), 'x');
    closeChannel(channel);
    expect(existsSync(root)).toBe(false);
    closeChannel(channel);
  });

  test('leaves the root to another job that is there', () => {
    const root = newRoot();
    const mine = openChannel([root], 'mine', () => keeper);
    const other = openChannel([root], 'other', () => keeper);
    closeChannel(mine);
    expect(readdirSync(root)).toEqual(['other']);
    closeChannel(other);
    expect(existsSync(root)).toBe(false);
  });

  test('of the root between two steps of somebody else does not fail that one', async () => {
    const root = newRoot();
    const script = `
      import { closeChannel, openChannel } from ${JSON.stringify(distFile('channel/index.js'))};
      import { currentKeeper } from ${JSON.stringify(distFile('channel/place/index.js'))};
      for (let i = 0; i < 300; i++) closeChannel(openChannel([${JSON.stringify(root)}], process.argv[1], currentKeeper));`;
    const children = ['a', 'b', 'c'].map((name) =>
      spawn(...boundToUs(process.execPath, ['--input-type=module', '-e', script, name]), {
        stdio: ['ignore', 'ignore', 'inherit'],
      }),
    );
    onTestFinished(() => {
      for (const child of children) child.kill('SIGKILL');
    });
    const ended = children.map((child) => new Promise((resolve) => child.on('exit', resolve)));
    expect(await Promise.all(ended)).toEqual([0, 0, 0]);
    expect(existsSync(root)).toBe(false);
  });
});

describe('a spare directory, where a channel has no room', () => {
  test('names its keeper, and has no pipes', () => {
    const root = newRoot();
    const spare = openSpare(root, 'job', keeper);
    expect(modeOf(spare.path)).toBe('700');
    expect(readdirSync(spare.path)).toEqual(['keeper']);
    closeChannel(spare);
    expect(existsSync(root)).toBe(false);
  });

  test('is never one that is there already', () => {
    const root = newRoot();
    const channel = openChannel([root], 'job', () => keeper);
    expect(() => openSpare(root, 'job', keeper)).toThrow(`${channel.path} is there already`);
    expect(readdirSync(root)).toEqual(['job']);
    expect(isThere(channel.lobby)).toBe(true);
  });
});

describe('files', () => {
  test('the lead is claimed once', () => {
    const channel = openChannel([newRoot()], 'job', () => keeper);
    expect(claimLead(channel)).toBe(true);
    expect(claimLead(channel)).toBe(false);
    expect(parseKeeper(readFileSync(channel.leader, 'utf8'))).toEqual(keeper);
  });

  test('what is published is there whole, and nothing else is left', () => {
    const { path, plan } = openChannel([newRoot()], 'job', () => keeper);
    publish(plan, 'one\n');
    publish(plan, 'two\n');
    expect(readFileSync(plan, 'utf8')).toBe('two\n');
    expect(modeOf(plan)).toBe('600');
    expect(readdirSync(path).sort()).toEqual(['keeper', 'lobby', 'plan', 'pulse']);
  });

  test('a file is created by one only, for its owner only', () => {
    const path = join(temporaryFolder(), 'file');
    closeSync(createFile(path));
    expect(modeOf(path)).toBe('600');
    expect(() => createFile(path)).toThrow('EEXIST');
  });

  test('a file is opened only where it is a regular one of ours that others cannot touch', () => {
    const folder = temporaryFolder();
    const path = join(folder, 'file');
    closeSync(createFile(path));
    closeSync(openFile(path));

    symlinkSync(path, join(folder, 'link'));
    expect(() => openFile(join(folder, 'link'))).toThrow('ELOOP');
    expect(() => openFile(folder)).toThrow(`${folder} is not a regular file`);
    chmodSync(path, 0o604);
    expect(() => openFile(path)).toThrow(`${path} is open to others`);
    chmodSync(path, 0o600);
    linkSync(path, join(folder, 'second'));
    expect(() => openFile(path)).toThrow(`${path} has another name, too`);
  });

  rootOnly().test("another user's file is refused", () => {
    const path = join(temporaryFolder(), 'file');
    closeSync(createFile(path));
    chownSync(path, 12345, 0);
    expect(() => openFile(path)).toThrow(`${path} belongs to user 12345`);
  });
});
