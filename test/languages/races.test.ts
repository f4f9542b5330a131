// Ranks that come at the same time: what one of them does between two steps of another. And channels that somebody takes away.
import { readdirSync, readlinkSync, rmSync, writeFileSync } from 'node:fs';
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

  test.each(['c', 'python'] as const)(
    'one in %s that has built a channel uses the one that another has made meanwhile',
    async (language) => {
      const { reports, stderr } = await runMixed(wrapper('local', '-n', '2', ...mix(['c', language])), {
        env: { SLOW: '1 rename,renameat,renameat2' },
      });
      expectAllAdopted(reports, 2);
      expect(stderr).toBe('');
    },
  );

  // None of ours does so; a program that tidies up a machine may.
  test.each(['c', 'python'] as const)(
    'a leader in %s whose channel is removed goes on alone, and the next rank makes another',
    async (language) => {
      const folder = temporaryFolder();
      const flag = join(folder, 'flag');
      const env = {
        HOLD: `sh -c 'until [ -e "$FLAG" ]; do sleep 0.1; done; exec "$@"' sh`,
        AWAIT: '1',
        FLAG: flag,
      };
      const [{ reports, stderr }] = await Promise.all([
        runMixed(wrapper('local', '-n', '2', ...mix([language, 'c'])), {
          env: { ...env, HWLOC_SHARE_DIR: folder },
        }),
        removeChannel(folder).then(() => {
          writeFileSync(flag, '');
        }),
      ]);
      expect(reports.map(({ outcome }) => outcome.how)).toEqual(['discovered', 'adopted']);
      expect(stderr).toMatch(
        /rank 0: .*; (discovered the machine on its own|keeping its own copy of the topology)\n/,
      );
    },
  );
});

/** Removes the channel under a folder as soon as its leader has said that it leads. */
async function removeChannel(folder: string): Promise<void> {
  for (;;) {
    const round = readdirSync(folder, { recursive: true, encoding: 'utf8' }).find((name) =>
      name.endsWith('/round'),
    );
    if (round !== undefined && readlinkSync(join(folder, round)).startsWith('lead ')) {
      rmSync(join(folder, round, '..'), { recursive: true });
      return;
    }
    await sleep(5);
  }
}
