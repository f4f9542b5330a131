// docs/api is what TypeDoc makes of the docstrings, and has what ranks use most.
import { spawnSync } from 'node:child_process';
import { readFileSync, readdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { expect, test } from 'vitest';
import { temporaryFolder } from '../support/temporary.js';

const root = resolve(import.meta.dirname, '../..');
const pages = join(root, 'docs/api');

test('docs/api is up to date (npm run docs)', { timeout: 180_000 }, () => {
  const fresh = temporaryFolder();
  const words = [join(root, 'node_modules/typedoc/bin/typedoc'), '--out', fresh];
  const { status, stderr } = spawnSync(process.execPath, words, { cwd: root, encoding: 'utf8' });
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  const files = readdirSync(fresh, { recursive: true, encoding: 'utf8' }).filter((name) =>
    name.endsWith('.md'),
  );
  expect(files.length).toBeGreaterThan(3);
  expect(
    readdirSync(pages, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.md')),
  ).toEqual(files);
  const stale = files.filter(
    (file) => readFileSync(join(fresh, file), 'utf8') !== readFileSync(join(pages, file), 'utf8'),
  );
  expect(stale).toEqual([]);
});

test('docs/api has what ranks use most, with what it stands on', () => {
  const rank = readFileSync(join(pages, 'rank.md'), 'utf8');
  for (const name of ['join()', 'Session', 'Outcome', 'JoinOptions'])
    expect(rank).toContain(`\n### ${name}\n`);
  const hwloc = readFileSync(join(pages, 'hwloc.md'), 'utf8');
  for (const name of ['objects', 'count', 'distribute', 'setCpuBinding', 'memoryAttribute', 'close']) {
    expect(hwloc).toContain(`\n##### ${name}()\n`);
  }
  expect(hwloc).toContain('hwloc_topology_export_xmlbuffer()');
  expect(readFileSync(join(pages, 'rank/auto.md'), 'utf8')).toContain('### session');
});
