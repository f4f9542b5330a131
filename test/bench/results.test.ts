// What is made of the measurements: times of a run, what fits into the time, strace's lines.
import { expect, test } from 'vitest';
import { fitted } from '../../bench/jobs/interleave.js';
import { timesOf } from '../../bench/jobs/results.js';
import { digits, memory, table, time } from '../../bench/support/table.js';
import { beyond, filesIn } from '../../bench/suites/trace.js';

test('the tail begins with the last call, the makespan with the first; both end with the last topology', () => {
  const ranks = [
    { called: '9007199254740993000000', got: '9007199254740999000000' },
    { called: '9007199254740995000000', got: '9007199254741003000000' },
  ];
  expect(timesOf(ranks)).toEqual({ tail: 8, makespan: 10 });
});

test('all rounds are run where they fit', () => {
  const states = [{ took: 100 }, { took: 150 }];
  expect(fitted(states, 9, 3000)).toEqual({ kept: states, dropped: [], rounds: 9 });
});

test('what takes far longer than the rest goes first; then there are fewer rounds', () => {
  const [quick, usual, slow] = [{ took: 100 }, { took: 150 }, { took: 5000 }];
  expect(fitted([slow, quick, usual], 9, 3000)).toEqual({ kept: [quick, usual], dropped: [slow], rounds: 9 });
  expect(fitted([slow, quick, usual], 9, 1000)).toMatchObject({ dropped: [slow], rounds: 4 });
  expect(fitted([slow, quick, usual], 9, 60_000)).toMatchObject({ dropped: [], rounds: 9 });
});

test('files that were opened, and those that were looked for in vain, each once', () => {
  const text = [
    '100 execve("/usr/bin/node", ["node"], 0x7ffc) = 0',
    '100 openat(AT_FDCWD, "/lib/libc.so.6", O_RDONLY|O_CLOEXEC) = 3',
    '101 openat(AT_FDCWD, "/job/package.json", O_RDONLY|O_CLOEXEC) = -1 ENOENT (No such file or directory)',
    '101 openat(AT_FDCWD, "/job/package.json", O_RDONLY|O_CLOEXEC) = -1 ENOENT (No such file or directory)',
    '101 readlink("/job", 0x7ffc, 1023) = -1 EINVAL (Invalid argument)',
    '101 statx(AT_FDCWD, "/job/a.mjs", AT_STATX_SYNC_AS_STAT, STATX_ALL, {stx_mask=0, ...}) = 0',
    '102 openat(AT_FDCWD, "/job/a.mjs", O_RDONLY|O_CLOEXEC <unfinished ...>',
    '102 +++ exited with 0 +++',
  ].join('\n');
  const files = filesIn(text);
  expect(files).toEqual({ opened: ['/lib/libc.so.6'], missing: ['/job/package.json'], requests: 7 });
  const bare = { opened: ['/lib/libc.so.6'], missing: [], requests: 2 };
  expect(beyond(files, bare)).toEqual({ opened: [], missing: ['/job/package.json'], requests: 5 });
});

test('numbers have three digits that count, and a unit that fits', () => {
  expect([0, 0.5, 1.234, 12.34, 1234.5].map(digits)).toEqual(['0.00', '0.500', '1.23', '12.3', '1,235']);
  expect([0.05, 1.5, 2500, -0.5].map(time)).toEqual(['50.0 µs', '1.50 ms', '2.50 s', '-500 µs']);
  expect([12, 2048].map(memory)).toEqual(['12.0 KiB', '2.00 MiB']);
});

test('a table has its numbers to the right', () => {
  expect(table([['', 'tail'], ['ours', '1.5'], ['theirs', '10']])).toBe('          tail\n  ours     1.5\n  theirs    10'); // prettier-ignore
});
