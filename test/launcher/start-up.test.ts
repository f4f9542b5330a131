// What stands in front of a job's start: few files, as each costs about a millisecond (more on a shared file system).
import { readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { expect, test } from 'vitest';
import { distFile } from '../support/wrapper.js';

/** A file of the bundle and all that is loaded before it runs; what is imported when it is needed is not. */
function loadedWith(file: string, seen = new Set<string>()): Set<string> {
  if (seen.has(file)) return seen;
  seen.add(file);
  for (const [, name = ''] of readFileSync(file, 'utf8').matchAll(
    /^(?:import|\} from) ?"?[^"(]*"(\.[^"]+)";$/gm,
  )) {
    loadedWith(resolve(dirname(file), name), seen);
  }
  return seen;
}

test('the wrapper is at most seven files until it knows what it is asked for', () => {
  const files = [distFile('bundle/launcher/bin.cjs'), ...loadedWith(distFile('bundle/launcher/bin.mjs'))];
  expect(files.length).toBeGreaterThan(1);
  expect(files.length, files.join('\n')).toBeLessThanOrEqual(7);
});
