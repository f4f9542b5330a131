// What a rank sweeps that no wrapper is in front of: what dead jobs left, not what a process is in.
import { spawn } from 'node:child_process';
import { mkdirSync, readdirSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { makeSpool } from '../../src/spool/index.js';
import { installed } from '../support/programs.js';
import { runJob } from '../support/job.js';
import { expectAllAdopted, reportsIn } from '../support/shared-job.js';
import { temporaryFolder } from '../support/temporary.js';
import { buildRanks, programs, pythonCommand, rankEnvironment } from './ranks.js';

installed(...programs).describe('a rank that sweeps', () => {
  buildRanks();

  test.each([
    ['c', 'python'],
    ['python', 'c'],
  ] as const)('in %s, with another in %s, and variables set by hand', async (language, other) => {
    const folder = temporaryFolder();
    const root = join(folder, `hwloc-share-${process.geteuid?.() ?? 0}`);
    const channel = (name: string, ...files: string[]): string => {
      mkdirSync(join(root, name), { recursive: true, mode: 0o700 });
      for (const file of files)
        writeFileSync(join(root, name, file), file === 'roll' ? '' : 'left', { mode: 0o600 });
      return join(root, name);
    };
    channel('dead', 'roll', 'topology.1', 'lobby');
    channel('.old-0123456789abcdef', 'roll', 'topology.1');
    channel('.new-0123456789abcdef');
    channel('unclear', 'topology.1');
    // A wrapper has made them: just now, and one that died before it could lock.
    makeSpool(join(root, 'being-made'));
    makeSpool(join(root, 'was-being-made'));
    const eleven = Date.now() / 1000 - 11;
    utimesSync(join(root, 'was-being-made/roll'), eleven, eleven);
    await locked(join(channel('live', 'roll', 'topology.1'), 'roll'));

    const rank = (number: number, command: string) =>
      `HWLOC_SHARE_RANK=${number} HWLOC_SHARE_SIZE=2 HWLOC_SHARE_LOCAL_RANK=${number} HWLOC_SHARE_LOCAL_SIZE=2 ${command}`;
    const script = `${rank(0, `$REPORT_${language}`)} & ${rank(1, `$REPORT_${other}`)} & wait`;
    const env = {
      ...rankEnvironment(),
      TOGETHER: temporaryFolder(),
      TOGETHER_COUNT: '2',
      HWLOC_SHARE_DIR: folder,
    };
    const job = await runJob(['sh', '-c', script], { env });
    expectAllAdopted(reportsIn(job.stdout), 2);
    expect(job.stderr).toBe('');
    expect(readdirSync(root).sort()).toEqual(['being-made', 'live', 'unclear']);
    expect(readdirSync(join(root, 'live')).sort()).toEqual(['roll', 'topology.1']);
  });
});

/** Has a process lock a byte of a roll until the test is over. */
async function locked(roll: string): Promise<void> {
  const script =
    'import fcntl,sys,time; f=open(sys.argv[1],"r+"); fcntl.lockf(f,fcntl.LOCK_EX,1,3); print(1,flush=True); time.sleep(60)';
  const child = spawn(pythonCommand(), ['-c', script, roll], { stdio: ['ignore', 'pipe', 'inherit'] });
  onTestFinished(() => void child.kill());
  await new Promise((resolve) => child.stdout.once('data', resolve));
}
