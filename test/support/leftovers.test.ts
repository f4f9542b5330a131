// The search for what jobs leave behind finds what is ours, and nothing else.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { leftovers } from './leftovers.js';

const root = `hwloc-share-${process.getuid?.() ?? 0}`;
let place: string;

beforeEach(() => {
  place = mkdtempSync(join(tmpdir(), 'test-leftovers-'));
});

afterEach(() => {
  rmSync(place, { recursive: true });
});

test('entries of the per-user folder are found, whatever they are', () => {
  mkdirSync(join(place, root, 'job-1'), { recursive: true });
  writeFileSync(join(place, root, 'job-2.tmp'), '');
  expect(leftovers([place])).toEqual([join(place, root, 'job-1'), join(place, root, 'job-2.tmp')]);
});

test('the per-user folder itself is found when it is empty', () => {
  mkdirSync(join(place, root));
  expect(leftovers([place])).toEqual([join(place, root)]);
});

test('a folder under a temporary name is found, and a file in the place of a folder', () => {
  mkdirSync(join(place, `${root}.new-17`));
  writeFileSync(join(place, root), '');
  expect(leftovers([place])).toEqual([join(place, root), join(place, `${root}.new-17`)]);
});

test('what belongs to others is left out', () => {
  mkdirSync(join(place, `${root}1`)); // another user's, whose number begins with ours
  mkdirSync(join(place, 'hwloc-something'));
  expect(leftovers([place, join(place, 'no-such-place')])).toEqual([]);
});
