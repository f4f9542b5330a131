// What does not go as planned in ranks of other languages: late ranks, taken ranges, no room, no leader, channels that are refused.
import { chmodSync, mkdirSync, readdirSync, readlinkSync, symlinkSync, writeFileSync } from 'node:fs';
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
/** Longer than a rank may take to start on a machine that is busy with other tests. */
const impatient = { HWLOC_SHARE_TIMEOUT: '5' };

/** A rank takes the window of addresses after it has told what it has mapped; rank 2 comes only then. */
const squatting = (rank: number) => ({
  SQUAT: `${rank}:1000`,
  AWAIT: '2',
  FLAG: join(temporaryFolder(), 'flag'),
});
/** A job on a machine whose topology a small /dev/shm has no room for. */
const inShm = (state: string, command: readonly string[]) =>
  runJob(['sh', resolve(import.meta.dirname, '../faults/fixtures/in-shm.sh'), state, ...command], {
    env: {
      ...rankEnvironment(),
      HWLOC_SYNTHETIC: 'pack:4 core:64 pu:2',
      TMPDIR: temporaryFolder(),
      XDG_RUNTIME_DIR: undefined,
      HWLOC_SHARE_DIR: undefined,
    },
  });
const howOf = (reports: readonly { outcome: { how: string } }[]) => reports.map(({ outcome }) => outcome.how);

installed(...programs).describe('ranks in other languages', () => {
  buildRanks();

  // Most of the time they wait.
  describe.concurrent.each(['c', 'python'] as const)('in %s', (language) => {
    const other: Language = language === 'c' ? 'python' : 'c';

    test.each(['node', other] as const)(
      'adopt from the plan that a leader in %s has published, when late',
      async (leader) => {
        // What a leader in Node must not wait for is more than a slow start of the ranks could take.
        const patience = leader === 'node' ? { HWLOC_SHARE_TIMEOUT: '30' } : impatient;
        const { reports, stderr } = await runMixed(local(leader, other, language), {
          env: { ...patience, LATE: '2', STAY: '2:0', FLAG: join(temporaryFolder(), 'flag'), BARRIER: '1' },
        });
        expectAllAdopted(reports, 3);
        // A leader in Node does not wait for a program that shows no sign of joining, and does not speak of it.
        const waits = /rank 0: rank 2 did not join within \d+ s; going on without it/;
        if (leader === 'node') expect(stderr).not.toMatch(waits);
        else expect(stderr).toMatch(waits);
        expect(stderr).toMatch(
          /rank 2: this rank joined after the others had gone on; it passes its barriers without/,
        );
      },
    );

    test('lead ranks of which one never comes: the timeout, and its number', async () => {
      const { reports, stderr } = await runMixed(local(language, 'node', 'gone', other), { env: impatient });
      expect(howOf(reports)).toEqual(['adopted', 'adopted', 'adopted']);
      expect(stderr).toMatch(
        /^hwloc-share: node \S+, rank 0: rank 2 (did not join within 5 s; going on without it \(HWLOC_SHARE_TIMEOUT\)|ended, or gave up, before joining; going on without it)\n$/,
      );
    });

    test('discover for themselves where no leader comes', async () => {
      const { reports, stderr } = await runMixed(local('gone', language, language), { env: impatient });
      expect(howOf(reports)).toEqual(['discovered', 'discovered']);
      expect(stderr.match(/rank \d: the leader .*; discovered the machine on its own\n/g)).toHaveLength(2);
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
          env: { ...squatting(1), HWLOC_SHARE_HOLE: '0x4abc00000000', BARRIER: '1' },
        });
        expect(howOf(reports)).toEqual(['adopted', 'xml', 'adopted']);
        expect(new Set(reports.map(({ tree }) => tree)).size).toBe(1);
        for (const { isThisSystem } of reports) expect(isThisSystem).toBe(true);
        expect(reports[0]?.outcome.address).toBe(0x4abc_0000_0000);
        expect(stderr).toMatch(
          /^hwloc-share: node \S+, rank 1: its range was taken in each of the plans; using a private copy of the leader's topology\n$/,
        );
      },
    );

    test('fail where they cannot share, and were told to be strict', async () => {
      const { reports, stderr } = await runMixed(local('gone', language), {
        env: { ...impatient, HWLOC_SHARE_STRICT: '1' },
        status: 1,
      });
      expect(reports).toEqual([]);
      expect(stderr).toMatch(
        language === 'c' ? /the topology could not be shared: the leader/ : /NotSharedError: the leader/,
      );
    });

    test('are alone where no launcher is known', async () => {
      const { reports, stderr } = await runMixed(['sh', '-c', `exec $REPORT_${language}`]);
      expect(reports).toMatchObject([{ rank: 0, size: 1, outcome: { how: 'discovered' } }]);
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

    test('without a launcher, with variables set by hand: they share, leave nothing, and sweep what dead jobs left', async () => {
      const folder = temporaryFolder();
      const root = join(folder, `hwloc-share-${process.getuid?.() ?? 0}`);
      const namespace = readlinkSync('/proc/self/ns/pid');
      for (const name of ['dead', 'unclear', `.passing-4194400-1-${namespace.replace(/\D/g, '')}-1`])
        mkdirSync(join(root, name), { recursive: true, mode: 0o700 });
      chmodSync(root, 0o700);
      writeFileSync(join(root, 'dead/keeper'), `pid=4194400 start=1 namespace=${namespace}\n`, {
        mode: 0o600,
      });
      writeFileSync(join(root, 'dead/topology.1'), 'left', { mode: 0o600 });
      writeFileSync(join(root, 'unclear/keeper'), 'pid=4194400 start=1 namespace=pid:[1]\n', { mode: 0o600 });
      const rank = (number: number, command: string) =>
        `HWLOC_SHARE_RANK=${number} HWLOC_SHARE_SIZE=2 HWLOC_SHARE_LOCAL_RANK=${number} HWLOC_SHARE_LOCAL_SIZE=2 ${command}`;
      const job = await runJob(
        ['sh', '-c', `${rank(0, `$REPORT_${language}`)} & ${rank(1, `$REPORT_${other}`)} & wait`],
        {
          env: { ...rankEnvironment(), HWLOC_SHARE_DIR: folder },
        },
      );
      expectAllAdopted(reportsIn(job.stdout), 2);
      expect(job.stderr).toBe('');
      expect(readdirSync(root)).toEqual(['unclear']);
    });

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

    test('lead more ranks than they may have files open for: all adopt', async () => {
      const limited = ['sh', '-c', 'ulimit -n 74; exec "$@"', 'sh'];
      const ranks: Language[] = [language, other, language, other, language];
      const { reports, stderr } = await runMixed(wrapper('local', '-n', '5', ...limited, ...mix(ranks)), {
        env: { BARRIER: '1' },
      });
      expectAllAdopted(reports, 5);
      expect(stderr).toMatch(
        /rank 0: ranks? \S+ take no part in barriers: too few files may be open here \(ulimit -n\)\n/,
      );
    });

    test.each([
      ['well', /^adopted /],
      ['maps', /^adopted /],
      ['newer', /^ladder: it speaks version 2 of the protocol, and the leader 1 /],
      ['duplicate', /^ladder: local rank 0 is none of the ranks 1 to 2 /],
    ])('lead one that speaks the protocol by hand (%s)', async (HAND, ends) => {
      const env = { BY_HAND: '2', HAND, BARRIER: '1', ...impatient };
      const { reports, stdout } = await runMixed(local(language, other, 'hand'), { env });
      expectAllAdopted(reports, 2);
      const hand = /^by hand: (.*)$/m.exec(stdout)?.[1] ?? '';
      expect(hand).toMatch(ends);
      if (hand.startsWith('adopted')) expect(hand).toBe(`adopted ${reports[0]?.xml ?? ''}`);
    });

    test('do not follow a link where the channels of a user should be', async () => {
      const folder = temporaryFolder();
      mkdirSync(join(folder, 'elsewhere'), { mode: 0o700 });
      symlinkSync(join(folder, 'elsewhere'), join(folder, `hwloc-share-${process.getuid?.() ?? 0}`));
      const job = await runJob(local(language, other, language), {
        env: { ...rankEnvironment(), HWLOC_SHARE_DIR: folder, TMPDIR: folder, XDG_RUNTIME_DIR: undefined },
      });
      expectAllAdopted(reportsIn(job.stdout), 3);
      expect(job.stderr).toMatch(
        /is a link, or no directory.*; refused: remove it, or set HWLOC_SHARE_DIR to another directory/,
      );
      expect(readdirSync(join(folder, 'elsewhere'))).toEqual([]);
    });

    rootOnly('mount', 'unshare').test('lead where /dev/shm has no room: the next directory', async () => {
      const job = await inShm('small', local(language, other, 'node'));
      expectAllAdopted(reportsIn(job.stdout), 3);
      expect(job.stderr).toMatch(
        /^hwloc-share: node \S+, rank 0: \/dev\/shm\/\S+: posix_fallocate: .*; using the next directory\n$/,
      );
    });

    rootOnly('mount', 'unshare').test(
      'lead where there is no room anywhere: each has a topology of its own',
      async () => {
        const job = await inShm('small-everywhere', local(language, other, 'node'));
        expect(howOf(reportsIn(job.stdout))).toEqual(['discovered', 'discovered', 'discovered']);
        expect(job.stderr).not.toContain('left:');
        for (const line of job.stderr.trimEnd().split('\n'))
          expect(line).toMatch(/no room for the topology: posix_fallocate: No space/);
      },
    );
  });
});
