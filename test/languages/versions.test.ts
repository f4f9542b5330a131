// Ranks whose libhwloc is old, or newer than that of others: they share, or get what the oldest can read. The versions are not at hand:
// stand-ins hand on to the real libhwloc what those versions do in the same way.
import { dirname } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { installed } from '../support/programs.js';
import { before2_3, hwloc3, standIn, standInPrograms } from '../support/stand-in.js';
import { wrapper } from '../support/wrapper.js';
import { buildRanks, type Language, mix, programs, runMixed } from './ranks.js';

/** Variables that make ranks in all languages use a libhwloc. */
const using = (library: string) =>
  `export HWLOC_SHARE_LIBHWLOC=${library} LD_LIBRARY_PATH=${dirname(library)}`;

/** How each rank got its topology, by its number. Each runs the script first. */
async function howOf(languages: readonly Language[], script: string, env: Record<string, string> = {}) {
  const ranks = ['sh', '-c', `${script}\nexec "$@"`, 'sh', ...mix(languages)];
  const job = wrapper('local', '-n', String(languages.length), ...ranks);
  const { reports, stdout, stderr } = await runMixed(job, { env });
  return { how: reports.map(({ outcome }) => outcome.how), stdout, stderr };
}

installed(...programs, ...standInPrograms).describe('ranks', () => {
  buildRanks();

  test.each([
    ['2.0', 'node'],
    ['2.1', 'c'],
    ['2.2', 'python'],
    ['2.0', 'c'],
  ] as const)(
    'share with libhwloc %s, which needs no seal and cannot make one (leader in %s)',
    async (name, leader) => {
      const { how, stdout, stderr } = await howOf(
        [leader, 'node', 'c', 'python'],
        using(standIn(before2_3[name])),
      );
      expect(stderr).toBe('');
      expect(how, stdout).toEqual(['adopted', 'adopted', 'adopted', 'adopted']);
    },
  );

  describe('of hwloc 2 with a leader of hwloc 3', () => {
    let library: string;
    beforeAll(() => {
      library = hwloc3();
    }, 60_000);
    const leadsWith = (file: string) => `if [ $HWLOC_SHARE_RANK = 0 ]; then ${using(file)}; fi`;

    test.each(['node', 'c', 'python'] as const)(
      'get XML that they can read (leader in %s)',
      async (leader) => {
        const { how, stderr } = await howOf([leader, 'node', 'c', 'python'], leadsWith(library));
        expect(how, stderr).toEqual(['adopted', 'xml', 'xml', 'xml']);
        for (const line of stderr.trimEnd().split('\n')) {
          expect(line).toMatch(
            /^hwloc-share: node \S+, rank [123]: its libhwloc has ABI 0x\w+, the leader's 0x30000; using a private copy of the leader's topology$/,
          );
        }
      },
    );

    test('say in one line which format the XML of a leader has that they cannot read', async () => {
      const { how, stderr } = await howOf(['node', 'node'], leadsWith(hwloc3(9)));
      expect(how).toEqual(['adopted', 'discovered']);
      expect(stderr).toMatch(
        /^hwloc-share: node \S+, rank 1: its libhwloc has ABI \S+, the leader's 0x30000, and the leader's XML could not be used: hwloc_topology_load: EINVAL: this XML is in format 9.0, and libhwloc \d\.\d+ reads formats \d to \d only: [^\n]*; discovered the machine on its own\n$/,
      );
    });
  });
});
