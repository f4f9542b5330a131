// What is bundled of other packages is bundled as they are published, with their licences.
import { readFileSync, readdirSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { expect, test } from 'vitest';
import { distFile } from '../support/wrapper.js';

const bundle = distFile('bundle');

interface SourceMap {
  readonly sources: readonly string[];
  readonly sourcesContent: readonly string[];
}

/** The files of packages in the command's bundle: where each is, and its text as the bundle has it. */
const bundled = readdirSync(bundle, { recursive: true, encoding: 'utf8' })
  .filter((name) => name.endsWith('.map'))
  .flatMap((name) => {
    const { sources, sourcesContent } = JSON.parse(readFileSync(join(bundle, name), 'utf8')) as SourceMap;
    return sources.map((source, i) => ({
      file: resolve(dirname(join(bundle, name)), source),
      text: sourcesContent[i],
    }));
  })
  .filter(({ file }) => file.includes('/node_modules/'));

test('only yargs-parser is bundled, as it is published', () => {
  const names = bundled.map(({ file }) => /.*\/node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(file)?.[1]);
  expect([...new Set(names)]).toEqual(['yargs-parser']);
  for (const { file, text } of bundled) expect(text, file).toBe(readFileSync(file, 'utf8'));
});

test('its licence is handed on', () => {
  expect(readFileSync(join(bundle, 'launcher/LICENSES.txt'), 'utf8')).toMatch(/^yargs-parser\n\nCopyright/);
});
