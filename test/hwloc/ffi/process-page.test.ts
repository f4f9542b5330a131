import { describe, expect, test } from 'vitest';
import { isPageIn } from '../../../src/hwloc/ffi/process-page.js';

describe('the page of a process is known in its mappings', () => {
  const page = '2000050000-2000055000 rw-p 00000000 00:00 0 \n';
  const program = '00400000-00b5d000 r--p 00000000 fe:00 1234 /usr/bin/node\n';
  const heap = '3aa008c0000-3aa00900000 rw-p 00000000 00:00 0 \n';

  test.each([
    ['behind a program at a fixed address', program + page + heap],
    ['as the first of all, where the program may be anywhere', page + heap],
  ])('%s', (_, maps) => {
    expect(isPageIn(maps)).toBe(true);
  });

  test.each([
    ['it is not there', program + heap],
    ['another length is', page.replace('55000', '56000')],
    ['other rights are', page.replace('rw-p', '---p')],
    ['an address ends like it', `1${page}`],
  ])('not where %s', (_, maps) => {
    expect(isPageIn(maps)).toBe(false);
  });
});
