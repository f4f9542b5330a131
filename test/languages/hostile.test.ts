// A leader in C or Python, and a member that speaks the protocol badly, on purpose: it is left out with a line that says so; nobody
// else is harmed, and the leader's memory stays bounded. The leader in C is compiled with the sanitizers.
import { beforeAll, describe, expect, test } from 'vitest';
import { installed } from '../support/programs.js';
import { expectAllAdopted } from '../support/shared-job.js';
import { wrapper } from '../support/wrapper.js';
import { buildRanks, compile, fixture, mix, programs, runMixed } from './ranks.js';

const leftOut = /rank 0: going on without rank 2, which cannot be understood: /;
const notUnderstood = /rank 0: an announcement was not understood: /;

const cases: Record<string, { says: RegExp; hand?: RegExp }> = {
  'huge line': { says: leftOut },
  'NUL bytes': { says: leftOut },
  'a million ranges': { says: leftOut },
  'inverted range': { says: leftOut },
  'hello twice': { says: leftOut },
  'out of turn': { says: leftOut },
  'truncated line': { says: leftOut },
  'rank beyond the size': {
    says: /rank 2 (did not join|ended)/,
    hand: /ladder reason=local%20rank%207%20is%20none/,
  },
  'negative rank': { says: notUnderstood },
  'pipe elsewhere': { says: notUnderstood },
  'no pipe': { says: notUnderstood },
  'huge announcement': { says: notUnderstood },
  'flood of announcements': { says: notUnderstood },
  declined: { says: /^$/, hand: /ladder reason=no%20room xml=\S+topology\.xml thissystem=1/ },
  failed: { says: /^$/, hand: /ladder reason=no%20room xml=\S+topology\.xml thissystem=1/ },
  'duplicate rank': {
    says: /^$/,
    hand: /hand: ladder reason=another%20process%20has%20joined%20as%20local%20rank%202/,
  },
  'pipes opened late': { says: /^$/, hand: /hand: released/ },
  'barriers that are not': { says: leftOut },
};

installed(...programs).describe('a member that speaks badly', () => {
  buildRanks();
  let sanitized: string;
  beforeAll(() => {
    sanitized = compile(fixture('report.c'), ['-g', '-O1', '-fsanitize=address,undefined']);
  }, 120_000);

  // Each waits for seconds until the bad one has gone.
  describe.concurrent.each(['c', 'python'] as const)('to a leader in %s', (language) => {
    test.for(Object.entries(cases))('%s', async ([mode, { says, hand }]) => {
      const env: Record<string, string> = { HOSTILE: mode, HWLOC_SHARE_TIMEOUT: '10', BARRIER: '1' };
      // What a plugin of libhwloc leaks is none of our business.
      if (language === 'c')
        Object.assign(env, {
          REPORT_c: sanitized,
          HWLOC_PLUGINS_PATH: '',
          UBSAN_OPTIONS: 'halt_on_error=1',
        });
      const job = await runMixed(wrapper('local', '-n', '3', ...mix([language, language, 'hostile'])), {
        env,
      });
      expectAllAdopted(job.reports, 2);
      for (const { peak } of job.reports) expect(peak).toBeLessThan(200_000);
      expect(job.stderr).toMatch(says);
      expect(job.stderr.split('\n').length).toBeLessThan(20);
      if (hand !== undefined) expect(job.stdout).toMatch(hand);
    });
  });
});
