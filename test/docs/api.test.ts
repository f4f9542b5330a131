// docs/api.md is what the docstrings say, and says something about everything.
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { expect, test } from 'vitest';

const root = resolve(import.meta.dirname, '../..');

test('docs/api.md is up to date (node scripts/api.mjs)', () => {
  const words = [join(root, 'scripts/api.mjs'), '--check'];
  const { status, stderr } = spawnSync(process.execPath, words, { encoding: 'utf8', timeout: 60_000 });
  expect(stderr).toBe('');
  expect(status).toBe(0);
}, 90_000);

test('docs/api.md has what ranks use most, with what it stands on', () => {
  const page = readFileSync(join(root, 'docs/api.md'), 'utf8');
  for (const title of [
    '## hwloc-share/rank',
    '### join',
    '### Session',
    '### Outcome',
    '## hwloc-share/auto',
  ]) {
    expect(page).toContain(`\n${title}\n`);
  }
  for (const member of ['objects', 'count', 'distribute', 'setCpuBinding', 'memoryAttribute', 'close']) {
    expect(page).toMatch(new RegExp(`^- \`(get )?${member}[<(]`, 'm'));
  }
  expect(page).toContain('See hwloc_topology_export_xmlbuffer()');
});
