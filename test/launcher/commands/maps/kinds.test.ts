// What a mapping holds, as told by its line of maps.
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { kindsOf } from '../../../../src/launcher/commands/maps/kinds.js';
import { parseMaps } from '../../../../src/maps/index.js';

const node = `00400000-00b6f000 r--p 00000000 fe:00 1 /usr/bin/node
00b6f000-00b71000 r-xp 0076f000 fe:00 1 /usr/bin/node
0563e000-0565d000 rw-p 0523d000 fe:00 1 /usr/bin/node
0565d000-05689000 rw-p 00000000 00:00 0
0f6a6000-0f969000 rw-p 00000000 00:00 0 [heap]
2c013740000-2c013780000 rw-p 00000000 00:00 0
41a200000000-41a2000cd000 r--s 00000000 00:19 7 /dev/shm/hwloc-share-0/n017-4-5.local@n017/topology.1 (deleted)
41a300000000-41a3000cd000 rw-s 00000000 00:19 8 /dev/shm/other
7f02c0003000-7f02c003f000 rwxp 00000000 00:00 0
7f02c003f000-7f02dfe40000 ---p 00000000 00:00 0
7f02e691e000-7f02e6944000 r--p 00000000 fe:00 2 /usr/lib/x86_64-linux-gnu/libc.so.6
7f02e6aed000-7f02e6af1000 r--p 00000000 fe:00 3 /usr/lib/locale/locale-archive
7f02e6e49000-7f02e6e4d000 r--p 00000000 00:00 0 [vvar]
7f02e6e4f000-7f02e6e51000 r-xp 00000000 00:00 0 [vdso]
7f02e6e51000-7f02e6e52000 r--p 00000000 fe:00 4 /usr/lib/ld-linux-x86-64.so.2
7ffe8192c000-7ffe8194d000 rw-p 00000000 00:00 0 [stack]
`;

test('the mappings of a Node that shares a topology', () => {
  expect(kindsOf(parseMaps(node))).toEqual([
    'program',
    'program',
    'program',
    // Of the program: its zeroed data.
    'anonymous',
    'heap',
    'v8',
    'topology',
    'shared',
    'anonymous',
    'reserved',
    'library',
    'file',
    'kernel',
    'kernel',
    'library',
    'stack',
  ]);
});

test('in another program, nothing is V8', () => {
  expect(kindsOf(parseMaps(node.replaceAll('/usr/bin/node', '/usr/bin/python3')))).not.toContain('v8');
});

test('this very process has all that a Node has', () => {
  const found = new Set(kindsOf(parseMaps(readFileSync('/proc/self/maps', 'utf8'))));
  for (const kind of ['program', 'heap', 'v8', 'library', 'stack', 'kernel', 'anonymous'])
    expect(found).toContain(kind);
});
