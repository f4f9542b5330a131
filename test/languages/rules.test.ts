// Rules of docs/protocol.md that leaders and members in C and Python keep in states which few jobs reach: how they are reached is said with
// each. `hand` stands for a rank that a test makes up: a program in fixtures/, or a reporter under strace.
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { installed } from '../support/programs.js';
import { temporaryFolder } from '../support/temporary.js';
import { wrapper } from '../support/wrapper.js';
import {
  buildRanks,
  fixture,
  type Language,
  mix,
  programs,
  pythonCommand,
  rankEnvironment,
  runMixed,
} from './ranks.js';

const local = (...languages: Language[]) => after(':', ...languages);

/** A job in which each rank first runs words of a shell, in its own process. */
const after = (words: string, ...languages: Language[]) => {
  const shell = ['sh', '-c', `${words}; exec "$@"`, 'sh'];
  return wrapper('local', '-n', String(languages.length), ...shell, ...mix(languages));
};

/** A job whose launcher tells of more ranks on this node than are started: so many are more than a machine for tests holds. */
const localOf = (size: number, ...languages: Language[]) =>
  after(`export HWLOC_SHARE_LOCAL_SIZE=${size}`, ...languages);

/** With more ranks than the CPUs can start within the timeout, a leader waits until that for one that does not come. */
const crowd = 100_000;

/** Discovering the machine itself would take the system calls that a test makes slow. */
const synthetic = { HWLOC_SYNTHETIC: 'core:2 pu:1' };

const howOf = (reports: readonly { outcome: { how: string } }[]) => reports.map(({ outcome }) => outcome.how);

/** The reporter in a language, as strace lets it run. */
const traced = (language: Language, ...injections: string[]) =>
  ['strace -f -qq -o /dev/null', ...injections.map((each) => `-e inject=${each}`)].join(' ') +
  ` ${rankEnvironment()[`REPORT_${language}`] ?? ''}`;

installed(...programs, 'strace').describe('the rules of the protocol', () => {
  buildRanks();

  // Most of the time they wait.
  describe.concurrent.each(['c', 'python'] as const)('in %s', (language) => {
    const other: Language = language === 'c' ? 'python' : 'c';

    test('a leader counts a rank that said hello and died before anybody led', async () => {
      const { reports, stderr } = await runMixed(local('gone', language, 'hand'), { env: { HAND: 'ends' } });
      expect(howOf(reports)).toEqual(['adopted']);
      expect(stderr).toMatch(/: rank 2 ended before it joined; continuing without it\n/);
      expect(stderr).toMatch(/: rank 0 has not joined after/);
    });

    test('a leader at its own barrier writes XML for a rank that could not adopt, and waits for it', async () => {
      const { reports, stdout, stderr } = await runMixed(local(language, other, 'hand'), {
        env: { HAND: 'fails', BARRIER: '1' },
      });
      expect(howOf(reports)).toEqual(['adopted', 'adopted']);
      expect(stdout).toContain('by hand: release xml=0 thissystem=1 barrier all=1\n');
      expect(stderr).toBe('');
    });

    test('a new leader that found a plan waits only for ranks that are there', async () => {
      const { reports, stdout } = await runMixed(localOf(crowd, 'hand', language, language), {
        env: byHand('plan'),
      });
      expect(howOf(reports)).toEqual(['adopted', 'adopted']);
      // Its first plan is round 3, after the dead leader's plan and `anew`.
      expect(stdout).toContain('there are: topology.3 topology.xml\n');
    });

    test('a new leader that found no plan removes what the dead leader wrote for its next one', async () => {
      const { reports, stdout, stderr } = await runMixed(local('hand', language, language), {
        env: byHand('lead'),
      });
      expect(howOf(reports)).toEqual(['adopted', 'adopted']);
      expect(stdout).toContain('there are: topology.2\n');
      expect(stderr).toMatch(
        /^hwloc-share: node \S+, rank \d: rank 0 ended before it joined; continuing without it\n$/,
      );
    });

    test('how long a leader waits for others depends on the CPU time until its join, not on its discovery', async () => {
      const { reports, stderr } = await runMixed(localOf(200, language, 'gone'), {
        // It takes seconds of CPU time to load.
        env: { HWLOC_SYNTHETIC: 'pack:40 core:64 pu:8' },
      });
      expect(howOf(reports)).toEqual(['adopted']);
      expect(stderr).toContain('ranks 1, 2, 3');
    });

    test('a leader waits as long as ranks keep coming, also beyond the timeout', async () => {
      // One comes every one or two seconds; the leader, whose process is three seconds old, waits for each of them as long as that.
      const late = 'sleep $((3 + HWLOC_SHARE_RANK * 3 / 2))';
      const { reports, stderr } = await runMixed(after(late, ...Array<Language>(5).fill(language)), {
        env: { TOGETHER: undefined, HWLOC_SHARE_TIMEOUT: '4' },
      });
      expect(howOf(reports)).toEqual(Array(5).fill('adopted'));
      expect(stderr).toBe('');
    });

    test('a rank that leads a barrier which was opened meanwhile says what its leader said', async () => {
      // Between its look at the round and its look at the leader's lock, the leader opens the last barrier and leaves.
      const slow = traced(language, 'symlinkat:delay_enter=100000', 'readlinkat:delay_exit=700000');
      const { reports, stderr } = await runMixed(local('hand', 'hand'), {
        env: { REPORT_hand: slow, ...synthetic, MEETING: temporaryFolder(), EXPECTED: '2' },
      });
      expect(reports.map(({ met }) => met)).toEqual([true, true]);
      expect(stderr).toBe('');
    });

    test('a rank whose first barrier was passed without it takes part in the next ones', async () => {
      const { reports, stdout } = await runMixed(local('hand', language), {
        env: { ...byHand('barriers', '1'), MEETING: temporaryFolder(), EXPECTED: '1' },
      });
      expect(reports.map(({ met }) => met)).toEqual([false]);
      expect(stdout.match(/^barrier [23]$/gm)).toEqual(['barrier 2', 'barrier 3']);
    });

    test('a rank that declined another topology does not load its XML either', async () => {
      // The leader finds no room for its topology anywhere.
      const full = traced(other, 'fallocate:error=ENOSPC');
      const own = '[ $HWLOC_SHARE_RANK != 1 ] || export HWLOC_SYNTHETIC="core:3 pu:1"';
      const { reports } = await runMixed(after(own, 'hand', language, other), { env: { REPORT_hand: full } });
      expect(howOf(reports)).toEqual(['discovered', 'discovered', 'xml']);
      expect(reports[1]?.cores).toBe(3);
      expect(reports[2]?.tree).toBe(reports[0]?.tree);
    });
  });
});

/** Local rank 0 leads by hand: see fixtures/leader.py. */
function byHand(mode: 'lead' | 'plan' | 'barriers', come = '1 2'): Record<string, string> {
  return {
    REPORT_hand: `${pythonCommand()} ${fixture('leader.py')}`,
    MODE: mode,
    COME: come,
    ...(mode === 'barriers' ? {} : { STAY: '0:0', FLAG: join(temporaryFolder(), 'flag') }),
  };
}
