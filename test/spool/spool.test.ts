// The spool: ranks append to one file of their node, the wrapper reads what is a record, and nothing that stands there harms either.
import { execFileSync, spawnSync } from 'node:child_process';
import {
  appendFileSync,
  chmodSync,
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
import { describe, expect, test } from 'vitest';
import { currentKeeper, formatKeeper } from '../../src/channel/place/index.js';
import {
  formatRecord,
  makeSpool,
  openPart,
  readSpool,
  removeSpool,
  sweepSpools,
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

test('what ranks append is what is read, from one file for each node; then it is gone', async () => {
  const spool = newSpool();
  const records = [0, 1, 2].map((rank) => joinRecord({ rank, step: rank === 2 ? 'slurm-7.0@h2' : step }));
  for (const record of records) {
    const part = await openPart(spool, record.step);
    part.append(formatRecord(record));
    part.close();
  }
  expect(readdirSync(spool).sort()).toEqual(['keeper', 'slurm-7.0@h1.jsonl', 'slurm-7.0@h2.jsonl']);
  expect(statSync(spool).mode & 0o777).toBe(0o700);
  expect(statSync(join(spool, 'slurm-7.0@h1.jsonl')).mode & 0o777).toBe(0o600);
  const { records: read, unread } = readSpool(spool);
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
  const { records, unread } = readSpool(spool);
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

test('whatever stands in a spool, the wrapper reads what is a record', () => {
  const spool = newSpool();
  const file = (name: string) => join(spool, name);
  writeFileSync(file('a.jsonl'), `${formatRecord(joinRecord())}nonsense\n\0\n[]\n`);
  appendFileSync(file('a.jsonl'), Buffer.from([0xff, 0xfe, 0x0a]));
  symlinkSync(file('a.jsonl'), file('b.jsonl'));
  execFileSync('mkfifo', [file('c.jsonl')]);
  mkdirSync(file('d.jsonl'));
  writeFileSync(file('e.txt'), formatRecord(joinRecord()));
  const { records, unread } = readSpool(spool);
  expect(records).toHaveLength(1);
  expect(unread).toBe(4 + 3);
});

describe('sweeping a folder for the spools of dead wrappers', () => {
  const names = /^\.hwloc-share-h1-\d+-\d+$/;
  const dead = () => formatKeeper({ ...currentKeeper(), pid: spawnSync('true').pid, start: 1 });

  test('removes them, and nothing else', () => {
    const folder = temporaryFolder();
    const spool = (name: string, keeper?: string) => {
      mkdirSync(join(folder, name), { mode: 0o700 });
      if (keeper !== undefined) writeFileSync(join(folder, name, 'keeper'), keeper);
      return name;
    };
    const gone = spool('.hwloc-share-h1-1-1', dead());
    const stay = [
      spool('.hwloc-share-h1-2-2', formatKeeper(currentKeeper())),
      spool('.hwloc-share-h1-3-3'),
      // Of another host, where it may be alive.
      spool('.hwloc-share-h2-4-4', dead()),
      spool('hwloc-share-h1-5-5', dead()),
    ];
    symlinkSync(join(folder, spool('target', dead())), join(folder, '.hwloc-share-h1-6-6'));
    sweepSpools(folder, names);
    expect(readdirSync(folder)).not.toContain(gone);
    expect(readdirSync(folder)).toEqual(expect.arrayContaining([...stay, 'target', '.hwloc-share-h1-6-6']));
    expect(readFileSync(join(folder, 'target', 'keeper'), 'utf8')).toMatch(/^pid=/);
  });

  test('in a folder that is not there does nothing', () => {
    sweepSpools(join(temporaryFolder(), 'none'), names);
  });
});
