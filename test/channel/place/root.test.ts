// Where channels are: the directories, and names that cannot lead out of them.
import * as fc from 'fast-check';
import { existsSync, mkdirSync, rmdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import {
  channelPath,
  checkDirectory,
  openRoot,
  ownUid,
  removeRoot,
  rootsOf,
} from '../../../src/channel/place/index.js';
import { temporaryFolder } from '../../support/temporary.js';

/** What may be in a key, and what is better not in a file name. */
const odd = fc.constantFrom(
  'a',
  'Z',
  '7',
  '.',
  '-',
  '_',
  '@',
  '/',
  ' ',
  '\n',
  '\0',
  '%',
  '~',
  'é',
  '\u{1f600}',
);
const own = `hwloc-share-${ownUid()}`;

test('the places are the one asked for, shared memory, the runtime directory and the temp dir, in this order', () => {
  const bases = ['/asked', '/dev/shm', '/run/user/1', tmpdir()];
  expect(rootsOf('/asked', '/run/user/1', tmpdir())).toEqual(bases.map((base) => join(base, own)));
  expect(rootsOf(undefined, undefined, tmpdir())).toEqual(
    ['/dev/shm', tmpdir()].map((base) => join(base, own)),
  );
  expect(rootsOf('', '', tmpdir())).toEqual(rootsOf(undefined, undefined, tmpdir()));
  expect(rootsOf('/dev/shm', tmpdir(), tmpdir())).toEqual(rootsOf(undefined, undefined, tmpdir()));
});

describe('the name of a channel', () => {
  test('is the key where that is plain', () => {
    for (const key of ['slurm-17.0@n017', 'host-1234-5678.local@host']) {
      expect(channelPath('/root', key)).toBe(`/root/${key}`);
    }
  });

  test('never leads out of the root, nor is hidden, nor too long for a file name', () => {
    fc.assert(
      fc.property(
        fc.oneof(fc.string({ unit: odd, maxLength: 400 }), fc.constantFrom('..', '.', '../x', '/etc')),
        (key) => {
          const path = channelPath('/root', key);
          const name = basename(path);
          fc.pre(key !== '');
          expect(dirname(path)).toBe('/root');
          expect(name).toMatch(/^[A-Za-z0-9_@-][A-Za-z0-9._@-]{0,119}$/);
        },
      ),
    );
  });

  test('keeps keys apart that look alike once they are made plain', () => {
    const keys = ['a/b', 'a_b', 'a b', 'a\nb', 'x'.repeat(200), 'x'.repeat(201), '.a', '_a'];
    const paths = keys.map((key) => channelPath('/root', key));
    expect(new Set(paths).size).toBe(keys.length);
  });

  test('of a long or strange key begins as the job does, so that the wrapper finds it at the end', () => {
    const job = 'host-1234-5678';
    expect(basename(channelPath('/root', `${job}.step with spaces@${'x'.repeat(200)}`))).toMatch(
      /^host-1234-5678\./,
    );
  });
});

test('a root is made if it is not there, and taken if it is', () => {
  const root = join(temporaryFolder(), own);
  openRoot(root);
  openRoot(root);
  checkDirectory(root);
  expect(() => {
    openRoot(join(root, 'a', 'b'));
  }).toThrow('ENOENT');
});

test('a root with something in it stays', () => {
  const root = join(temporaryFolder(), own);
  mkdirSync(join(root, 'job'), { recursive: true });
  removeRoot(root);
  expect(existsSync(root)).toBe(true);
  rmdirSync(join(root, 'job'));
  removeRoot(root);
  removeRoot(root);
  expect(existsSync(root)).toBe(false);
});
