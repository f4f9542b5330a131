// README.md's table of what the tests run on says the truth of the machine that runs this test, if it is one of the table.
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { installed } from '../support/programs.js';

const root = join(import.meta.dirname, '../..');
const readme = readFileSync(join(root, 'README.md'), 'utf8');
const titles = '|  | hwloc | Open MPI | MPICH | Slurm | Node |';
const rows = readme.slice(readme.indexOf(titles)).split('\n\n')[0]?.split('\n').slice(2).map(cellsOf);

function cellsOf(row: string): string[] {
  return row.split('|').map((cell) => cell.trim());
}

test('README.md has a row for each release that npm run test:roots makes', () => {
  expect(rows?.map(([, release]) => release)).toEqual([
    'Debian 12 (bookworm)',
    'Debian 13 (trixie)',
    'Debian forky/sid',
  ]);
});

installed('dpkg-query', 'mpirun.openmpi', 'mpirun.mpich', 'srun').test(
  'its versions are those of this release',
  ({ skip }) => {
    const script = join(root, 'scripts/roots/versions.mjs');
    const here = cellsOf(execFileSync(process.execPath, [script], { encoding: 'utf8' }).trim());
    const row = rows?.find(([, release]) => release === here[1]);
    if (row === undefined) skip(`README.md has no row for ${here[1] ?? ''}`);
    if (here[1]?.endsWith('/sid') === true) skip('sid moves on');
    // A release keeps its versions; Node may be any.
    const titles = row?.length ?? 0;
    expect(here.slice(0, titles - 2)).toEqual(row?.slice(0, titles - 2));
  },
);

test('CITATION.cff names the version, the licence and the authors of this package', () => {
  const citation = readFileSync(join(root, 'CITATION.cff'), 'utf8');
  const { version, license } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as Record<
    'version' | 'license',
    string
  >;
  const [, holder = ''] =
    /^Copyright \(c\) \d+ (.*)$/m.exec(readFileSync(join(root, 'LICENSE'), 'utf8')) ?? [];
  for (const line of [`version: ${version}`, `license: ${license}`, `  - name: ${holder}`]) {
    expect(citation.split('\n')).toContain(line);
  }
});
