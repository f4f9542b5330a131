// A leader in C or Python, and a member that speaks the protocol by hand, well or badly on purpose: nobody else is harmed, and the
// leader's memory stays bounded. The leader in C is compiled with the sanitizers.
import { beforeAll, describe, expect, test } from 'vitest';
import { installed } from '../support/programs.js';
import { expectAllAdopted } from '../support/shared-job.js';
import { wrapper } from '../support/wrapper.js';
import { buildRanks, compile, fixture, mix, programs, runMixed } from './ranks.js';

const complains = /^hwloc-share: node \S+, rank 0: a line in the lobby was not understood: .*\n$/;
const nothing = /^$/;

/** What the leader says of it, and what becomes of the rank that does it. */
const cases: Record<string, { says: RegExp; hand: RegExp }> = {
  well: { says: nothing, hand: /^release adopted 1 barrier all=1$/ },
  declines: { says: nothing, hand: /^release xml=0 thissystem=1 barrier all=1$/ },
  'huge line': { says: complains, hand: /^release adopted 1 barrier all=1$/ },
  'NUL bytes': { says: complains, hand: /^release adopted 1 barrier all=1$/ },
  'a million ranges': { says: complains, hand: /^release adopted 1 barrier all=1$/ },
  'inverted range': { says: complains, hand: /^release adopted 1 barrier all=1$/ },
  'no local rank': { says: complains, hand: /^release adopted 1 barrier all=1$/ },
  flood: { says: complains, hand: /^release adopted 1 barrier all=1$/ },
  'hello twice': { says: nothing, hand: /^release adopted 1 barrier all=1$/ },
  'barriers that are not': { says: complains, hand: /^release adopted 1 barrier all=1$/ },
  'a rank beyond the size': {
    says: /rank 2 has not joined after/,
    hand: /^release adopted 1 barrier all=1$/,
  },
  // What another rank says next is lost with it: the leader waits for that until the timeout.
  'truncated line': {
    says: /rank 0: (a line in the lobby was not understood|local rank \d did not answer)/,
    hand: /^release adopted 1 barrier all=1$/,
  },
};

installed(...programs).describe('a member that speaks by hand', () => {
  buildRanks();
  let sanitized: string;
  beforeAll(() => {
    sanitized = compile(fixture('report.c'), ['-g', '-O1', '-fsanitize=address,undefined']);
  }, 120_000);

  describe.concurrent.each(['c', 'python'] as const)('to a leader in %s', (language) => {
    test.for(Object.entries(cases))('%s', async ([HAND, { says, hand }]) => {
      const env: Record<string, string> = { HAND, BARRIER: '1', HWLOC_SHARE_TIMEOUT: '5' };
      // What a plugin of libhwloc leaks is none of our business.
      if (language === 'c')
        Object.assign(env, {
          REPORT_c: sanitized,
          HWLOC_PLUGINS_PATH: '',
          UBSAN_OPTIONS: 'halt_on_error=1',
        });
      const job = await runMixed(wrapper('local', '-n', '3', ...mix([language, language, 'hand'])), { env });
      expectAllAdopted(job.reports, 2);
      for (const { peak } of job.reports) expect(peak).toBeLessThan(200_000);
      expect(job.stderr).toMatch(says);
      expect(job.stderr.split('\n').length).toBeLessThan(5);
      expect(/^by hand: (.*)$/m.exec(job.stdout)?.[1]).toMatch(hand);
    });
  });
});
