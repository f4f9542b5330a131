// Ranks that come at the same time: what one of them does between two steps of another.
import { closeSync, constants, openSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { installed } from '../support/programs.js';
import { expectAllAdopted } from '../support/shared-job.js';
import { temporaryFolder } from '../support/temporary.js';
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

  // Nothing of ours does so any more; whoever tidies up a machine may.
  test.each(['c', 'python', 'node'] as const)(
    'a leader in %s whose channel is removed waits for nobody who has not come',
    async (language) => {
      const folder = temporaryFolder();
      const flag = join(folder, 'flag');
      const [{ reports, stderr }] = await Promise.all([
        runMixed(wrapper('local', '-n', '2', ...mix([language, 'c'])), {
          env: { AWAIT: '1', FLAG: flag, HWLOC_SHARE_DIR: folder, HWLOC_SHARE_TIMEOUT: '20' },
        }),
        removeChannel(folder)
          .then(() => sleep(2000))
          .then(() => {
            writeFileSync(flag, '');
          }),
      ]);
      expect(reports).toHaveLength(2);
      expect(stderr).toMatch(/rank 0: rank 1 ended, or gave up, before joining; going on without it/);
    },
  );
});

/** Removes the channel under a folder as soon as its leader reads the lobby. */
async function removeChannel(folder: string): Promise<void> {
  for (;;) {
    const lobby = readdirSync(folder, { recursive: true, encoding: 'utf8' }).find((name) =>
      name.endsWith('/lobby'),
    );
    if (lobby !== undefined && isRead(join(folder, lobby))) {
      rmSync(join(folder, lobby, '..'), { recursive: true });
      return;
    }
    await sleep(10);
  }
}

/** Whether anybody has a FIFO open for reading: else it cannot be opened for writing. */
function isRead(fifo: string): boolean {
  try {
    closeSync(openSync(fifo, constants.O_WRONLY | constants.O_NONBLOCK));
    return true;
  } catch {
    return false;
  }
}
