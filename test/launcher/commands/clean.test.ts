// hwloc-share clean: what is left of dead jobs goes, what belongs to living ones stays.
import { chmodSync, existsSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { makeChannel as channel } from '../../support/channels.js';
import { runJob } from '../../support/job.js';
import { temporaryFolder } from '../../support/temporary.js';
import { wrapper } from '../../support/wrapper.js';

test.each([
  ['before its name', (folder: string) => ['--dir', folder, 'clean']],
  ['behind it', (folder: string) => ['clean', '--dir', folder]],
])('clean removes what a dead job left, says so, and leaves a living one; --dir %s', async (_, words) => {
  const folder = temporaryFolder();
  const dead = channel(folder, 'dead', 'dead');
  const living = channel(folder, 'living', 'living');
  const { exitCode, stdout, stderr } = await runJob(wrapper(...words(folder)));
  expect({ exitCode, stdout, stderr }).toEqual({
    exitCode: 0,
    stdout: '',
    stderr: `hwloc-share: removed ${dead}, left by a job that is dead\n`,
  });
  expect([existsSync(dead), existsSync(living)]).toEqual([false, true]);
});

test.each([
  ['--dir', (folder: string) => ({ words: ['--dir', folder], env: {} }), '--dir '],
  [
    'HWLOC_SHARE_DIR',
    (folder: string) => ({ words: [], env: { HWLOC_SHARE_DIR: folder } }),
    'HWLOC_SHARE_DIR=',
  ],
])('a directory that is not there is an error that blames %s', async (_, given, how) => {
  const folder = join(temporaryFolder(), 'no such');
  const { words, env } = given(folder);
  const { exitCode, stdout, stderr } = await runJob(wrapper('clean', ...words), { env });
  expect({ exitCode, stdout, stderr }).toEqual({
    exitCode: 1,
    stdout: '',
    stderr: `hwloc-share: ${how}${folder}: there is no such directory\n`,
  });
});

test('a root that must not be used is left as it is, and named', async () => {
  const folder = temporaryFolder();
  const root = join(folder, `hwloc-share-${process.geteuid?.() ?? 0}`);
  const dead = channel(folder, 'dead', 'dead');
  chmodSync(root, 0o755);
  const { exitCode, stderr } = await runJob(wrapper('clean', '--dir', folder));
  expect({ exitCode, stderr }).toEqual({
    exitCode: 0,
    stderr: `hwloc-share: ${root} is open to others (mode 755); left as it is\n`,
  });
  expect(existsSync(dead)).toBe(true);
});

test('clean says in one line that it takes no arguments', async () => {
  const { exitCode, stderr } = await runJob(wrapper('clean', 'everything'));
  expect({ exitCode, stderr }).toEqual({
    exitCode: 2,
    stderr: 'hwloc-share: clean takes no arguments (see --help)\n',
  });
});
