// What a rank sweeps that no wrapper stands in front of: what dead jobs left, not what somebody is in whose launcher has died.
import { closeSync, constants, mkdirSync, openSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { currentKeeper, formatKeeper, ownUid } from '../../src/channel/place/index.js';
import { mkfifo } from '../../src/hwloc/index.js';
import { launcher } from '../launchers/available.js';
import { installed } from '../support/programs.js';
import { runJob } from '../support/job.js';
import { launcherCommands } from '../support/jobs.js';
import { expectAllAdopted, reportsIn } from '../support/shared-job.js';
import { temporaryFolder } from '../support/temporary.js';
import { buildRanks, mix, programs, rankEnvironment } from './ranks.js';

// No process has lived as long as that.
const dead = formatKeeper({ ...currentKeeper(), start: 1 });
const alive = formatKeeper(currentKeeper());

installed(...programs).describe('a rank that sweeps', () => {
  buildRanks();

  launcher('openmpi').describe('under mpirun alone', () => {
    test.each(['c', 'python', 'node'] as const)('in %s', async (language) => {
      const folder = temporaryFolder();
      const root = join(folder, `hwloc-share-${ownUid()}`);
      const pair = (path: string): string => {
        const [up = '', down = ''] = ['up', 'down'].map((end) => join(path, `1-${process.pid}.${end}`));
        mkfifo(up);
        mkfifo(down);
        return down;
      };
      const channel = (name: string, leader?: string): string => {
        const path = join(root, name);
        mkdirSync(path, { recursive: true, mode: 0o700 });
        writeFileSync(join(path, 'keeper'), dead, { mode: 0o600 });
        if (leader !== undefined) writeFileSync(join(path, 'leader'), leader, { mode: 0o600 });
        return path;
      };
      channel('led', alive);
      channel('led by the dead', dead);
      pair(channel('given up'));
      const fd = openSync(pair(channel('waited in')), constants.O_RDONLY | constants.O_NONBLOCK);
      onTestFinished(() => {
        closeSync(fd);
      });

      const { stdout, stderr } = await runJob(launcherCommands.openmpi(2, mix([language, language])), {
        env: { ...rankEnvironment(), HWLOC_SHARE_DIR: folder },
      });
      expectAllAdopted(reportsIn(stdout), 2);
      expect(stderr).toBe('');
      expect(readdirSync(root).sort()).toEqual(['led', 'waited in']);
    });
  });
});
