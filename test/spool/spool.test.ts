// The spool: ranks append to one file of their node, the wrapper reads what is a record, and nothing that stands there harms either.
import { execFileSync, spawnSync } from 'node:child_process';
import {
  appendFileSync,
  chmodSync,
  existsSync,
  linkSync,
  mkdirSync,
  readdirSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import pLimit from 'p-limit';
import { describe, expect, test } from 'vitest';
import { ownDirectory, removeIfDead } from '../../src/channel/index.js';
import {
  formatRecord,
  makeSpool,
  openPart,
  readSpool,
  removeSpool,
  spoolsIn,
} from '../../src/spool/index.js';
import { joinRecord } from '../support/join-record.js';
import { temporaryFolder } from '../support/temporary.js';
import { distFile } from '../support/wrapper.js';

const step = 'slurm-7.0@h1';

function newSpool(): string {
  const path = join(temporaryFolder(), 'spool');
  makeSpool(path);
  return path;
}

/** Two parts at once. */
const atOnce = pLimit(2);

test('what ranks append is what is read, from one file for each node; then it is gone', async () => {
  const spool = newSpool();
  const records = [0, 1, 2].map((rank) => joinRecord({ rank, step: rank === 2 ? 'slurm-7.0@h2' : step }));
  for (const record of records) {
    const part = await openPart(spool, record.step);
    part.append(formatRecord(record));
    part.close();
  }
  expect(readdirSync(spool).sort()).toEqual(['roll', 'slurm-7.0@h1.jsonl', 'slurm-7.0@h2.jsonl']);
  expect(statSync(spool).mode & 0o777).toBe(0o700);
  expect(statSync(join(spool, 'slurm-7.0@h1.jsonl')).mode & 0o777).toBe(0o600);
  const { records: read, unread } = await readSpool(spool, atOnce);
  expect(unread).toBe(0);
  expect(read.map(({ rank }) => rank).sort()).toEqual([0, 1, 2]);
  removeSpool(spool);
  expect(existsSync(spool)).toBe(false);
});

test('a line that broke off, for lack of space, spoils no other', async () => {
  const spool = newSpool();
  const part = await openPart(spool, step);
  part.append(formatRecord(joinRecord({ rank: 0 })));
  part.append(formatRecord(joinRecord({ rank: 1 })).slice(0, 100));
  part.append(formatRecord(joinRecord({ rank: 2 })));
  part.close();
  const { records, unread } = await readSpool(spool, atOnce);
  expect(records.map(({ rank }) => rank)).toEqual([0, 2]);
  expect(unread).toBe(1);
});

test('where there is no room, appending is in vain, and no error', () => {
  // As root one cannot fill a disk in passing; a limit on the size of files refuses a write in the same way.
  const spool = newSpool();
  const script = `
    import('${distFile('spool/index.js')}').then(async ({ openPart }) => {
      process.on('SIGXFSZ', () => {});
      const part = await openPart('${spool}', '${step}');
      part.append('x'.repeat(100000));
      part.append('x'.repeat(100000));
      part.close();
      console.log('went on');
    })`;
  const { stdout } = spawnSync('bash', ['-c', 'ulimit -f 1; exec "$0" -e "$1"', process.execPath, script], {
    encoding: 'utf8',
  });
  expect(stdout).toBe('went on\n');
});

describe('a rank refuses', () => {
  const place = (prepare: (path: string) => void) => {
    const spool = newSpool();
    prepare(join(spool, `${step}.jsonl`));
    return openPart(spool, step);
  };
  const target = () => {
    const file = join(temporaryFolder(), 'precious');
    writeFileSync(file, 'precious', { mode: 0o600 });
    return file;
  };

  test.each<[string, (path: string) => void, RegExp]>([
    [
      'a link',
      (path) => {
        symlinkSync(target(), path);
      },
      /ELOOP/,
    ],
    [
      'a file that has another name',
      (path) => {
        linkSync(target(), path);
      },
      /not a file of this user alone/,
    ],
    ['a FIFO that nobody reads', (path) => execFileSync('mkfifo', ['-m', '600', path]), /ENXIO/],
    [
      'a folder',
      (path) => {
        mkdirSync(path);
      },
      /EISDIR/,
    ],
    [
      'a file that others may write to',
      (path) => {
        writeFileSync(path, '');
        chmodSync(path, 0o666);
      },
      /not a file of this user alone/,
    ],
  ])('%s', async (_, prepare, why) => {
    await expect(place(prepare)).rejects.toThrow(why);
  });

  test('a spool that is not there', async () => {
    await expect(openPart(join(temporaryFolder(), 'none'), step)).rejects.toThrow(/ENOENT/);
  });
});

test('whatever stands in a spool, the wrapper reads what is a record', async () => {
  const spool = newSpool();
  const file = (name: string) => join(spool, name);
  writeFileSync(file('a.jsonl'), `${formatRecord(joinRecord())}nonsense\n\0\n[]\n`);
  appendFileSync(file('a.jsonl'), Buffer.from([0xff, 0xfe, 0x0a]));
  symlinkSync(file('a.jsonl'), file('b.jsonl'));
  execFileSync('mkfifo', [file('c.jsonl')]);
  mkdirSync(file('d.jsonl'));
  writeFileSync(file('e.txt'), formatRecord(joinRecord()));
  const { records, unread } = await readSpool(spool, atOnce);
  expect(records).toHaveLength(1);
  expect(unread).toBe(4 + 3);
});

test('the spools in a folder are found by their names', () => {
  const folder = temporaryFolder();
  for (const name of ['.hwloc-share-h1-1-1', '.hwloc-share-h2-4-4', 'hwloc-share-h1-5-5'])
    mkdirSync(join(folder, name));
  const names = /^\.hwloc-share-h1-\d+-\d+$/;
  expect(spoolsIn(folder, names)).toEqual([join(folder, '.hwloc-share-h1-1-1')]);
  expect(spoolsIn(join(folder, 'none'), names)).toEqual([]);
});

test('a spool that the wrapper has yet to lock is nobody else’s to remove, for ten seconds', () => {
  const spool = newSpool();
  expect(removeIfDead(spool)).toBe(false);
  const eleven = Date.now() / 1000 - 11;
  utimesSync(join(spool, 'roll'), eleven, eleven);
  expect(removeIfDead(spool)).toBe(true);
});

test('a spool is removed when its owner is dead, and not before', () => {
  const spool = newSpool();
  const owner = ownDirectory(spool);
  expect(removeIfDead(spool)).toBe(false);
  owner?.close();
  expect(removeIfDead(spool)).toBe(true);
  expect(existsSync(spool)).toBe(false);
});
