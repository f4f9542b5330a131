// Ranks that come at the same time: what one of them does between two steps of another.
import { expect, test } from 'vitest';
import { languages as installed } from '../launchers/available.js';
import { expectAllAdopted } from '../support/shared-job.js';
import { wrapper } from '../support/wrapper.js';
import { buildRanks, mix, programs, runMixed } from './ranks.js';

installed(...programs, 'strace').describe('ranks that come at the same time', () => {
  buildRanks();

  // There are several directories in which a channel may be; whoever finds none looks for a place to make it.
  test.each(['c', 'python', 'node'] as const)(
    'one in %s that has seen no channel uses the one that another has made meanwhile',
    async (language) => {
      const { reports, stderr } = await runMixed(wrapper('local', '-n', '2', ...mix(['c', language])), {
        env: { SLOW: '1', HWLOC_SHARE_TIMEOUT: '10' },
      });
      expectAllAdopted(reports, 2);
      expect(stderr).toBe('');
    },
  );
});
