// What does not go as planned in ranks of other languages: late ranks, taken ranges, no room, no leader, channels that are refused.
import { mkdirSync, readdirSync, symlinkSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, test } from 'vitest';
import { installed, rootOnly } from '../support/programs.js';
import { runJob } from '../support/job.js';
import { expectAllAdopted, reportsIn } from '../support/shared-job.js';
import { temporaryFolder } from '../support/temporary.js';
import { wrapper } from '../support/wrapper.js';
import { buildRanks, type Language, mix, programs, rankEnvironment, runMixed } from './ranks.js';

const local = (...languages: Language[]) =>
  wrapper('local', '-n', String(languages.length), ...mix(languages));

/** A rank takes the window of addresses after it has told what it has mapped; until then rank 2 keeps the others waiting. */
const squatting = (rank: number) => ({
  SQUAT: `${rank}:1000`,
  AWAIT: '2',
  FLAG: join(temporaryFolder(), 'flag'),
});
/** No process may map anything there. */
const nowhere = { HWLOC_SHARE_HOLE: '0xffff000000000000' };
/** A job on a machine whose topology a small /dev/shm has no room for. */
const inShm = (state: string, command: readonly string[], env: Record<string, string> = {}) =>
  runJob(['sh', resolve(import.meta.dirname, '../faults/fixtures/in-shm.sh'), state, ...command], {
    env: {
      ...rankEnvironment(),
      TOGETHER: temporaryFolder(),
      HWLOC_SYNTHETIC: 'pack:4 core:64 pu:2',
      TMPDIR: temporaryFolder(),
      XDG_RUNTIME_DIR: undefined,
      HWLOC_SHARE_DIR: undefined,
      ...env,
    },
  });
const howOf = (reports: readonly { outcome: { how: string } }[]) => reports.map(({ outcome }) => outcome.how);

installed(...programs).describe('ranks in other languages', () => {
  buildRanks();

  // Most of the time they wait.
  describe.concurrent.each(['c', 'python'] as const)('in %s', (language) => {
    const other: Language = language === 'c' ? 'python' : 'c';

    test.each(['node', other] as const)(
      'adopt what a leader in %s has released, when they come late, and take part in barriers from then on',
      async (leader) => {
        const { reports, stderr } = await runMixed(local(leader, other, language), {
          env: { LATE: '2', STAY: '2:0', FLAG: join(temporaryFolder(), 'flag'), BARRIER: '1', DATA: '1000' },
        });
        expectAllAdopted(reports, 3);
        expect(reports[2]?.data).toEqual(reports[0]?.data);
        expect(stderr).toMatch(
          /^hwloc-share: node \S+, rank 0: rank 2 has not joined.*; continuing without it \(it can still join\)\n$/,
        );
      },
    );

    test('share without a rank that never comes', async () => {
      const { reports, stderr } = await runMixed(local(language, 'node', 'gone', other));
      expect(howOf(reports)).toEqual(['adopted', 'adopted', 'adopted']);
      expect(stderr).toMatch(
        /^hwloc-share: node \S+, rank 0: rank 2 has not joined after \d+\.\d s; continuing/,
      );
      expect(stderr.split('\n')).toHaveLength(2);
    });

    test('share without local rank 0: another rank leads', async () => {
      const { reports, stderr } = await runMixed(local('gone', language, language));
      expect(howOf(reports)).toEqual(['adopted', 'adopted']);
      expect(reports.filter(({ outcome }) => outcome.didDiscover)).toHaveLength(1);
      expect(stderr).toMatch(/^hwloc-share: node \S+, rank [12]: rank 0 has not joined after .*\n$/);
    });

    test.each(['node', other] as const)(
      'take the range in the way of a leader in %s: all adopt another',
      async (leader) => {
        const { reports, stderr } = await runMixed(local(leader, language, other), {
          env: { ...squatting(1) },
        });
        expectAllAdopted(reports, 3);
        expect(reports[0]?.outcome.address).toBeGreaterThan(0x6000_0000_0000);
        expect(stderr).toBe('');
      },
    );

    test('lead, and take the window themselves: all adopt at another place', async () => {
      const { reports, stderr } = await runMixed(local(language, 'node', other), {
        env: { ...squatting(0) },
      });
      expectAllAdopted(reports, 3);
      expect(stderr).toBe('');
    });

    test.each(['node', language, other] as const)(
      'whose range is taken for good get the XML of a leader in %s, and may bind by it; the others adopt',
      async (leader) => {
        const { reports, stderr } = await runMixed(local(leader, language, other), {
          env: { ...squatting(1), HWLOC_SHARE_HOLE: '0x4abc00000000', BARRIER: '1', DATA: '1000' },
        });
        expect(howOf(reports)).toEqual(['adopted', 'xml', 'adopted']);
        expect(new Set(reports.map(({ tree }) => tree)).size).toBe(1);
        for (const { isThisSystem, data } of reports) {
          expect(isThisSystem).toBe(true);
          expect(data).toEqual(reports[0]?.data);
        }
        expect(reports[0]?.outcome.address).toBe(0x4abc_0000_0000);
        expect(stderr).toMatch(
          /^hwloc-share: node \S+, rank 1: its range was taken; using a private copy of the leader's topology\n$/,
        );
      },
    );

    test('get XML from a leader that finds no address, and the leader keeps its own topology', async () => {
      const { reports, stderr } = await runMixed(local(language, other, language), {
        env: { ...nowhere, BARRIER: '1' },
      });
      expect(howOf(reports)).toEqual(['discovered', 'xml', 'xml']);
      expect(new Set(reports.map(({ tree }) => tree)).size).toBe(1);
      expect(stderr).toMatch(/rank 0: .*; keeping its own copy of the topology\n/);
      expect(stderr.match(/rank [12]: .*; using a private copy of the leader's topology\n/g)).toHaveLength(2);
    });

    test('fail if they cannot share and were told to be strict', async () => {
      const { reports, stderr } = await runMixed(local(language, language), {
        env: { ...nowhere, HWLOC_SHARE_STRICT: '1' },
        status: 1,
      });
      expect(reports).toEqual([]);
      const said = language === 'c' ? /the topology could not be shared: \S+/g : /NotSharedError: \S+/g;
      expect(stderr.match(said)).toHaveLength(2);
    });

    test('are alone where no launcher is known', async () => {
      const { reports, stderr } = await runMixed(['sh', '-c', `unset TOGETHER; exec $REPORT_${language}`], {
        env: { DATA: '1000', BARRIER: '1' },
      });
      const data = { 'a table': [1000, language.charCodeAt(0)], nothing: [0, null] };
      expect(reports).toMatchObject([{ rank: 0, size: 1, outcome: { how: 'discovered' }, data }]);
      expect(stderr).toBe('');
    });

    test.each([
      [language, language],
      [language, 'node'],
      ['node', language],
    ] as const)(
      'do not wait for others in a child that inherits their rank (%s, %s)',
      async (parent, child) => {
        const { stdout, stderr } = await runMixed(local(other, parent), {
          env: { CHILD: '1:0', CHILD_COMMAND: `$REPORT_${child}` },
        });
        const reports = reportsIn(stdout);
        expect(howOf(reports).sort()).toEqual(['adopted', 'adopted', 'discovered']);
        expect(stderr).toMatch(
          /rank 1: this rank has joined before, .*or its parent process has; discovered the machine/,
        );
      },
    );

    test('with thousands of mappings say all of them', async () => {
      const { reports, stderr } = await runMixed(local('node', language, other), {
        env: { CROWD: '1:5000' },
      });
      expectAllAdopted(reports, 3);
      expect(stderr).toBe('');
    });

    test('lead ranks with thousands of mappings', async () => {
      const { reports, stderr } = await runMixed(local(language, 'node', other), {
        env: { CROWD: '1:5000' },
      });
      expectAllAdopted(reports, 3);
      expect(stderr).toBe('');
    });

    test('lead more ranks than they may have files open for: all adopt, and meet at barriers', async () => {
      const limited = ['sh', '-c', 'ulimit -n 40; exec "$@"', 'sh'];
      const ranks: Language[] = [language, ...Array<Language>(63).fill('c')];
      const meeting = { MEETING: temporaryFolder(), EXPECTED: '64' };
      const job = runMixed(wrapper('local', '-n', '64', ...limited, ...mix(ranks)), { env: meeting });
      const { reports, stderr } = await job;
      expectAllAdopted(reports, 64);
      for (const { met } of reports) expect(met).toBe(true);
      expect(stderr).toBe('');
    });

    test('do not follow a link where the channels of a user should be', async () => {
      const folder = temporaryFolder();
      mkdirSync(join(folder, 'elsewhere'), { mode: 0o700 });
      symlinkSync(join(folder, 'elsewhere'), join(folder, `hwloc-share-${process.getuid?.() ?? 0}`));
      const env = { HWLOC_SHARE_DIR: folder, TMPDIR: folder, XDG_RUNTIME_DIR: undefined };
      const job = await runJob(local(language, other, language), {
        env: { ...rankEnvironment(), TOGETHER: temporaryFolder(), ...env },
      });
      expectAllAdopted(reportsIn(job.stdout), 3);
      expect(job.stderr).toMatch(
        /is a link, (or not|not) a directory.*; refused: remove it, or set HWLOC_SHARE_DIR to another directory/,
      );
      expect(readdirSync(join(folder, 'elsewhere'))).toEqual([]);
    });

    rootOnly('mount', 'unshare').describe('where /dev/shm', () => {
      test.each(['small', 'full'])('is %s lead, and write to the next directory', async (state) => {
        const job = await inShm(state, local(language, other, 'node'), { DATA: '1000' });
        const reports = reportsIn(job.stdout);
        expectAllAdopted(reports, 3);
        expect(job.stderr).toMatch(
          /^hwloc-share: node \S+, rank 0: \/dev\/shm\/\S+: No space left on device; using the next directory\n$/,
        );
      });

      test.each(['inodes', 'readonly'])('cannot be used (%s) meet in the next directory', async (state) => {
        const job = await inShm(state, local(language, other, language), { HWLOC_SYNTHETIC: 'core:2 pu:1' });
        expectAllAdopted(reportsIn(job.stdout), 3);
        expect(job.stderr).toBe('');
      });

      test('and all other directories are small lead: each has a topology of its own', async () => {
        const job = await inShm('small-everywhere', local(language, other, 'node'));
        expect(howOf(reportsIn(job.stdout))).toEqual(['discovered', 'discovered', 'discovered']);
        expect(job.stderr).not.toContain('left:');
        for (const line of job.stderr.trimEnd().split('\n'))
          expect(line).toMatch(/no room for the topology: No space/);
      });
    });
  });
});
