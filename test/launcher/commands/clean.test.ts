// hwloc-share clean: what is left of dead jobs goes, what belongs to living ones stays.
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { currentKeeper, formatKeeper } from '../../../src/channel/place/index.js';
import { runJob } from '../../support/job.js';
import { temporaryFolder } from '../../support/temporary.js';
import { wrapper } from '../../support/wrapper.js';

/** A channel whose keeper is this process, or one of the same pid that started at another time. */
function channel(base: string, name: string, isAlive: boolean): string {
  const path = join(base, `hwloc-share-${process.geteuid?.() ?? 0}`, name);
  mkdirSync(path, { recursive: true, mode: 0o700 });
  const keeper = currentKeeper();
  writeFileSync(
    join(path, 'keeper'),
    formatKeeper(isAlive ? keeper : { ...keeper, start: keeper.start + 1 }),
  );
  return path;
}

test.each([
  ['before its name', (folder: string) => ['--dir', folder, 'clean']],
  ['behind it', (folder: string) => ['clean', '--dir', folder]],
])('clean removes what a dead job left, says so, and leaves a living one; --dir %s', async (_, words) => {
  const folder = temporaryFolder();
  const dead = channel(folder, 'dead', false);
  const living = channel(folder, 'living', true);
  const { exitCode, stdout, stderr } = await runJob(wrapper(...words(folder)));
  expect({ exitCode, stdout, stderr }).toEqual({
    exitCode: 0,
    stdout: '',
    stderr: `hwloc-share: removed ${dead}, left by a job that is dead\n`,
  });
  expect([existsSync(dead), existsSync(living)]).toEqual([false, true]);
});

test('clean says in one line that it takes no arguments', async () => {
  const { exitCode, stderr } = await runJob(wrapper('clean', 'everything'));
  expect({ exitCode, stderr }).toEqual({
    exitCode: 2,
    stderr: 'hwloc-share: clean takes no arguments (see --help)\n',
  });
});
