// The wrapper around the real launchers of MPI: their statuses and their ways of ending a job, as without it.
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { type JobResult, runJob, startJob } from '../support/job.js';
import { launcherCommands } from '../support/jobs.js';
import { processesLeft, processesWith } from '../support/leftovers.js';
import { temporaryFolder } from '../support/temporary.js';
import { wrapper } from '../support/wrapper.js';
import { launcher } from '../launchers/available.js';
import { installed } from '../support/programs.js';
import { contentOf, openTerminal, untilThere } from './terminal.js';

const notesSignals = join(import.meta.dirname, 'fixtures', 'notes-signals.mjs');
const rank = 'r=${OMPI_COMM_WORLD_RANK-$PMI_RANK}';

for (const name of ['openmpi', 'mpich'] as const) {
  launcher(name).describe(name, () => {
    const command = launcherCommands[name];

    async function both(n: number, script: string): Promise<[bare: JobResult, wrapped: JobResult]> {
      const program = ['sh', '-c', `${rank}; ${script}`];
      const dir = temporaryFolder();
      const jobs = await Promise.all([
        runJob(command(n, program)),
        runJob(wrapper(...command(n, program)), { env: { HWLOC_SHARE_DIR: dir } }),
      ]);
      expect(readdirSync(dir)).toEqual([]);
      return jobs;
    }

    describe.concurrent('the status is that of the bare launcher', () => {
      test.each([
        ['all succeed', 'exit 0'],
        // Open MPI 6.0 now and then says 255 of ranks that end within milliseconds.
        ['a rank fails', 'sleep 0.3; [ $r = 1 ] && exit 5; sleep 0.2'],
        ['a rank is killed', 'sleep 0.3; [ $r = 1 ] && kill -KILL $$; sleep 0.5'],
      ])('%s', async (_, script) => {
        const [bare, wrapped] = await both(2, script);
        expect([wrapped.exitCode, wrapped.signal]).toEqual([bare.exitCode, bare.signal]);
      });

      test('there is no such program', async () => {
        const program = ['/no/such/program'];
        const [bare, wrapped] = await Promise.all([
          runJob(command(2, program)),
          runJob(wrapper(...command(2, program)), { env: { HWLOC_SHARE_DIR: temporaryFolder() } }),
        ]);
        expect(bare.exitCode).not.toBe(0);
        expect(wrapped.exitCode).toBe(bare.exitCode);
      });
    });

    test.concurrent('standard input reaches rank 0', async () => {
      const job = await runJob(wrapper(...command(1, ['cat'])), {
        stdin: 'for rank 0\n',
        env: { HWLOC_SHARE_DIR: temporaryFolder() },
      });
      expect(job.stdout.trim()).toBe('for rank 0');
    });

    test.concurrent('the name of the job reaches all ranks', async () => {
      const [, wrapped] = await both(3, 'echo $HWLOC_SHARE_JOB');
      const names = wrapped.stdout.trim().split(/\s+/);
      expect(names).toHaveLength(3);
      expect(new Set(names).size).toBe(1);
    });

    test.concurrent('a SIGTERM to the wrapper alone ends the job, with nothing left', async () => {
      const dir = temporaryFolder();
      const job = startJob(wrapper(...command(2, ['sh', '-c', 'echo up; exec sleep 60'])), {
        env: { HWLOC_SHARE_DIR: dir },
      });
      await job.printed(/up[^]*up/);
      process.kill(job.pid, 'SIGTERM');
      // Of its status nothing can be said: bare Hydra, too, ends with 15 mostly, and with 0 now and then.
      expect((await job.result).durationMs).toBeLessThan(20_000);
      expect(await processesLeft(() => processesWith(job.marker), 5000)).toEqual([]);
      expect(readdirSync(dir)).toEqual([]);
    });

    installed('tmux').test('Ctrl-C at a terminal ends the job once', { concurrent: true }, async () => {
      const folder = temporaryFolder();
      const file = join(folder, 'notes');
      const dir = temporaryFolder();
      const words = wrapper(...command(2, [process.execPath, notesSignals, file]));
      const terminal = openTerminal(words, { HWLOC_SHARE_DIR: dir });
      await untilThere(file, /ready[^]*ready/);
      terminal.type('C-c');
      await terminal.status();
      const signals: string[] = contentOf(file).match(/\d SIG\w+/g) ?? [];
      // MPICH passes it on; Open MPI answers with a SIGTERM to each, or, from 6.0 on, kills them.
      const answer = name === 'mpich' ? 'SIGINT' : 'SIGTERM';
      const expected = name === 'openmpi' && signals.length === 0 ? [] : [`0 ${answer}`, `1 ${answer}`];
      expect(signals.sort()).toEqual(expected);
      expect(await processesLeft(() => processesWith(`HWLOC_SHARE_DIR=${dir}`), 5000)).toEqual([]);
      expect(readdirSync(dir)).toEqual([]);
    });
  });
}
