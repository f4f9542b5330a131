// Ranks whose libhwloc is old, or newer than that of others: they share, or get what the oldest can read. The versions are not at hand:
// stand-ins hand on to the real libhwloc what those versions do in the same way.
import { dirname, join, resolve } from 'node:path';
import { mkdirSync, writeFileSync } from 'node:fs';
import { beforeAll, describe, expect, test } from 'vitest';
import { installed } from '../support/programs.js';
import { runSharedJob } from '../support/shared-job.js';
import { before2_3, hwloc3, standIn, standInPrograms } from '../support/stand-in.js';
import { temporaryFolder } from '../support/temporary.js';
import { wrapper } from '../support/wrapper.js';
import { compile, fixture, programs, pythonCommand, pythonEnvironment } from './ranks.js';

const examples = resolve(import.meta.dirname, '../../examples');

/** Variables that make ranks in all languages use a libhwloc. */
const using = (library: string) =>
  `export HWLOC_SHARE_LIBHWLOC=${library} LD_LIBRARY_PATH=${dirname(library)}`;

/** How each rank got its topology, by its number. */
async function howOf(ranks: readonly string[], script: string) {
  const cases = ranks.map((command, rank) => `${rank}) exec ${command};;`).join(' ');
  const job = wrapper(
    'local',
    '-n',
    String(ranks.length),
    'sh',
    '-c',
    `${script}\ncase $HWLOC_SHARE_RANK in ${cases} esac`,
  );
  const { stdout, stderr } = await runSharedJob(job, { env: pythonEnvironment });
  const told = [...stdout.matchAll(/rank (\d+) of [^()]*\((\w+)\)/g)].sort(
    (a, b) => Number(a[1]) - Number(b[1]),
  );
  return { how: told.map(([, , how]) => how), stdout, stderr };
}

installed(...programs, ...standInPrograms).describe('ranks', () => {
  const commands: Record<'Node' | 'C' | 'Python', string> = {
    Node: `${process.execPath} ${fixture('how.mjs')}`,
    C: '',
    Python: '',
  };
  beforeAll(() => {
    commands.C = compile(join(examples, 'c/rank.c'));
    commands.Python = `${pythonCommand()} ${join(examples, 'python/rank.py')}`;
  }, 60_000);

  test.each([
    ['2.0', 'Node'],
    ['2.1', 'C'],
    ['2.2', 'Python'],
    ['2.0', 'C'],
  ] as const)(
    'share with libhwloc %s, which needs no seal and cannot make one (leader in %s)',
    async (name, leader) => {
      const ranks = [commands[leader], commands.Node, commands.C, commands.Python];
      const { how, stdout, stderr } = await howOf(ranks, using(standIn(before2_3[name])));
      expect(stderr).toBe('');
      expect(how, stdout).toEqual(['adopted', 'adopted', 'adopted', 'adopted']);
    },
  );

  describe('of hwloc 2 with a leader of hwloc 3', () => {
    let library: string;
    beforeAll(() => {
      library = hwloc3();
      // What hwloc.h of hwloc 3 says: C ranks ask for a format of XML only where there are several.
      const folder = temporaryFolder();
      mkdirSync(join(folder, 'include'));
      const words = [
        '#include_next <hwloc.h>',
        '#undef HWLOC_API_VERSION',
        '#define HWLOC_API_VERSION 0x00030000',
        '#define HWLOC_TOPOLOGY_EXPORT_XML_FLAG_V2 2',
      ];
      writeFileSync(join(folder, 'include/hwloc.h'), `${words.join('\n')}\n`);
      commandsOf3 = {
        ...commands,
        C: compile(join(examples, 'c/rank.c'), ['-Wno-pedantic', `-I${join(folder, 'include')}`]),
      };
    }, 60_000);
    let commandsOf3 = commands;
    const leadsWith = (file: string) => `if [ $HWLOC_SHARE_RANK = 0 ]; then ${using(file)}; fi`;

    test.each(['Node', 'C', 'Python'] as const)(
      'get XML that they can read (leader in %s)',
      async (leader) => {
        const ranks = [commandsOf3[leader], commands.Node, commands.C, commands.Python];
        const { how, stderr } = await howOf(ranks, leadsWith(library));
        expect(how, stderr).toEqual(['adopted', 'xml', 'xml', 'xml']);
        for (const line of stderr.trimEnd().split('\n')) {
          expect(line).toMatch(
            /^hwloc-share: node \S+, rank [123]: its libhwloc has ABI 0x\w+, the leader's 0x30000; using a private copy of the leader's topology$/,
          );
        }
      },
    );

    test('say in one line which format the XML of a leader has that they cannot read', async () => {
      const { how, stderr } = await howOf([commands.Node, commands.Node], leadsWith(hwloc3(9)));
      expect(how).toEqual(['adopted', 'discovered']);
      expect(stderr).toMatch(
        /^hwloc-share: node \S+, rank 1: its libhwloc has ABI \S+, the leader's 0x30000, and the leader's XML could not be used: hwloc_topology_load: EINVAL: this XML is in format 9.0, and libhwloc \d\.\d+ reads formats \d to \d only: [^\n]*; discovered the machine on its own\n$/,
      );
    });
  });
});
