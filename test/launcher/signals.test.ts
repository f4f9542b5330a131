// Signals: each reaches the job once, whether it was typed at a terminal or sent to the wrapper alone.
import { readdirSync } from 'node:fs';
import { constants } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { launcher } from '../launchers/available.js';
import { launcherCommands } from '../support/jobs.js';
import { installed } from '../support/programs.js';
import { startJob } from '../support/job.js';
import { processesLeft, processesWith } from '../support/leftovers.js';
import { allProcesses } from '../support/processes.js';
import { temporaryFolder } from '../support/temporary.js';
import { wrapper } from '../support/wrapper.js';
import { contentOf, openShell, openTerminal, untilThere } from './terminal.js';

const notesSignals = join(import.meta.dirname, 'fixtures', 'notes-signals.mjs');

/** A rank that notes its signals in a file, and ends with status 10 a while after the first of them. */
function noter(file: string, lingerMs = 200): string[] {
  return [process.execPath, notesSignals, file, String(lingerMs)];
}

/** Whether a process has a handler for a signal. @see proc_pid_status(5), SigCgt */
function catches(pid: number, signal: number): boolean {
  const [, mask = '0'] = /^SigCgt:\s*(\w+)$/m.exec(contentOf(`/proc/${pid}/status`)) ?? [];
  return ((BigInt(`0x${mask}`) >> BigInt(signal - 1)) & 1n) === 1n;
}

/** The names of the living processes of a process group. */
function commandsIn(group: number): string[] {
  return allProcesses().flatMap((pid) => {
    const stat = contentOf(`/proc/${pid}/stat`);
    const [state, , itsGroup] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    const name = stat.slice(stat.indexOf('(') + 1, stat.lastIndexOf(')'));
    return itsGroup === String(group) && state !== 'Z' ? [name] : [];
  });
}

function notesIn(file: string): string[] {
  return contentOf(file)
    .trim()
    .split('\n')
    .filter((line) => !line.endsWith('ready'))
    .sort();
}

describe.concurrent('a signal to the wrapper alone, which has no terminal', () => {
  test.each(['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT', 'SIGUSR1', 'SIGUSR2'] as const)(
    '%s is passed on, once',
    async (signal) => {
      const file = join(temporaryFolder(), 'notes');
      const job = startJob(wrapper(...noter(file)), { env: { HWLOC_SHARE_DIR: temporaryFolder() } });
      await untilThere(file, /ready/);
      process.kill(job.pid, signal);
      const { exitCode, stderr } = await job.result;
      expect(notesIn(file)).toEqual([`0 ${signal}`]);
      expect({ exitCode, stderr }).toEqual({ exitCode: 10, stderr: '' });
    },
  );

  test('a second one is passed on, too', async () => {
    const file = join(temporaryFolder(), 'notes');
    const job = startJob(wrapper(...noter(file, 1500)), { env: { HWLOC_SHARE_DIR: temporaryFolder() } });
    await untilThere(file, /ready/);
    process.kill(job.pid, 'SIGINT');
    await untilThere(file, /SIGINT/);
    process.kill(job.pid, 'SIGTERM');
    await job.result;
    expect(notesIn(file)).toEqual(['0 SIGINT', '0 SIGTERM']);
  });

  test('one that the program dies of is what the wrapper dies of, and nothing is left', async () => {
    const dir = temporaryFolder();
    const make = 'umask 077; mkdir -p $HWLOC_SHARE_DIR/hwloc-share-$(id -u)/$HWLOC_SHARE_JOB.x';
    const job = startJob(wrapper('sh', '-c', `${make}; echo up; exec sleep 60`), {
      env: { HWLOC_SHARE_DIR: dir },
    });
    await job.printed(/up/);
    process.kill(job.pid, 'SIGTERM');
    expect(await job.result).toMatchObject({ signal: 'SIGTERM', stderr: '' });
    expect(readdirSync(dir)).toEqual([]);
    expect(await processesLeft(() => processesWith(job.marker))).toEqual([]);
  });

  test('one that a program ignores does not end the wrapper', async () => {
    const job = startJob(wrapper('sh', '-c', 'trap "" TERM; echo up; sleep 3; exit 6'), {
      env: { HWLOC_SHARE_DIR: temporaryFolder() },
    });
    await job.printed(/up/);
    process.kill(job.pid, 'SIGTERM');
    expect(await job.result).toMatchObject({ exitCode: 6 });
  });

  test('told to stop, it does not where the program does not', async () => {
    const job = startJob(wrapper('sh', '-c', 'trap "echo told" TSTP; echo up; sleep 0.3; sleep 1; exit 6'), {
      env: { HWLOC_SHARE_DIR: temporaryFolder() },
    });
    await job.printed(/up/);
    // The program may be up before the wrapper is ready for it.
    await expect.poll(() => catches(job.pid, constants.signals.SIGTSTP)).toBe(true);
    process.kill(job.pid, 'SIGTSTP');
    expect(await job.result).toMatchObject({ exitCode: 6, stdout: 'up\ntold\n' });
  });

  // As PRRTE does when a rank ends early. A second SIGCONT makes it end the group, and the script that started the wrapper.
  test('a program that tells its process group to go on is told so once', async () => {
    const program = 'trap "echo told" CONT; sleep 0.3; kill -CONT 0; sleep 0.3; sleep 0.3; exit 6';
    const job = startJob(wrapper('sh', '-c', program), { env: { HWLOC_SHARE_DIR: temporaryFolder() } });
    expect(await job.result).toMatchObject({ exitCode: 6, stdout: 'told\n' });
  });

  test('a hang-up is survived by a program that nohup started', async () => {
    const job = startJob(wrapper('nohup', 'sh', '-c', 'echo up; sleep 3; exit 6'), {
      env: { HWLOC_SHARE_DIR: temporaryFolder() },
    });
    await job.printed(/up/);
    process.kill(-job.pid, 'SIGHUP');
    expect(await job.result).toMatchObject({ exitCode: 6 });
  });
});

describe.concurrent('a signal to the process group of the wrapper, as `kill %1` sends it', () => {
  test.for(['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT', 'SIGUSR1', 'SIGUSR2'] as const)(
    '%s reaches the program once',
    async (signal, { expect }) => {
      const file = join(temporaryFolder(), 'notes');
      const job = startJob(wrapper(...noter(file)), { env: { HWLOC_SHARE_DIR: temporaryFolder() } });
      await untilThere(file, /ready/);
      await expect.poll(() => commandsIn(job.pid), { timeout: 5000 }).toContain('cat');
      process.kill(-job.pid, signal);
      expect(await job.result).toMatchObject({ exitCode: 10, stderr: '' });
      expect(notesIn(file)).toEqual([`0 ${signal}`]);
    },
  );

  test('after one to the group, another one to the wrapper alone is passed on', async ({ expect }) => {
    const file = join(temporaryFolder(), 'notes');
    const job = startJob(wrapper(...noter(file, 5000)), { env: { HWLOC_SHARE_DIR: temporaryFolder() } });
    await untilThere(file, /ready/);
    await expect.poll(() => commandsIn(job.pid), { timeout: 5000 }).toContain('cat');
    process.kill(-job.pid, 'SIGUSR1');
    await untilThere(file, /SIGUSR1/);
    process.kill(job.pid, 'SIGTERM');
    await untilThere(file, /SIGTERM/);
    process.kill(-job.pid, 'SIGUSR2');
    expect(await job.result).toMatchObject({ exitCode: 10 });
    expect(notesIn(file)).toEqual(['0 SIGTERM', '0 SIGUSR1', '0 SIGUSR2']);
  });

  test('no process of ours outlives a wrapper that is killed', async ({ expect }) => {
    const job = startJob(wrapper('sh', '-c', 'echo up; exec sleep 6'), {
      env: { HWLOC_SHARE_DIR: temporaryFolder() },
    });
    await job.printed(/up/);
    await expect.poll(() => commandsIn(job.pid), { timeout: 5000 }).toContain('cat');
    process.kill(job.pid, 'SIGKILL');
    expect(await job.result).toMatchObject({ signal: 'SIGKILL' });
    await expect.poll(() => commandsIn(job.pid), { timeout: 10_000 }).not.toContain('cat');
  });
});

installed('tmux').describe('a terminal', { concurrent: true }, () => {
  const jobs: [string, string[], string[]][] = [
    ['a plain program', [], ['0']],
    ['the built-in launcher', ['local', '-n', '3'], ['0', '1', '2']],
  ];

  test.each(jobs)('Ctrl-C reaches each rank exactly once: %s', async (_, launcher, ranks) => {
    const file = join(temporaryFolder(), 'notes');
    const dir = temporaryFolder();
    const terminal = openTerminal(wrapper(...launcher, ...noter(file)), { HWLOC_SHARE_DIR: dir });
    await untilThere(file, new RegExp(`(ready[^]*){${ranks.length}}`));
    terminal.type('C-c');
    expect(await terminal.status()).toBe(10);
    expect(notesIn(file)).toEqual(ranks.map((rank) => `${rank} SIGINT`));
    expect(readdirSync(dir)).toEqual([]);
  });

  test('Ctrl-\\ reaches a program exactly once', async () => {
    const file = join(temporaryFolder(), 'notes');
    const terminal = openTerminal(wrapper(...noter(file)), { HWLOC_SHARE_DIR: temporaryFolder() });
    await untilThere(file, /ready/);
    terminal.type('C-\\');
    expect(await terminal.status()).toBe(10);
    expect(notesIn(file)).toEqual(['0 SIGQUIT']);
  });

  test.each(jobs)(
    'the hang-up when it is closed reaches each rank exactly once: %s',
    async (_, launcher, ranks) => {
      const file = join(temporaryFolder(), 'notes');
      const dir = temporaryFolder();
      const terminal = openTerminal(wrapper(...launcher, ...noter(file)), { HWLOC_SHARE_DIR: dir });
      await untilThere(file, new RegExp(`(ready[^]*){${ranks.length}}`));
      terminal.close();
      await untilThere(file, new RegExp(`(SIGHUP[^]*){${ranks.length}}`));
      expect(await processesLeft(() => processesWith(`HWLOC_SHARE_DIR=${dir}`), 5000)).toEqual([]);
      expect(notesIn(file)).toEqual(ranks.map((rank) => `${rank} SIGHUP`));
      expect(readdirSync(dir)).toEqual([]);
    },
  );

  test('the program has it as its own, and can read from it', async () => {
    const file = join(temporaryFolder(), 'notes');
    const script = `tty >"$0"; read line; echo "$line" >>"$0"; exit 12`;
    const terminal = openTerminal(wrapper('sh', '-c', script, file), { HWLOC_SHARE_DIR: temporaryFolder() });
    await untilThere(file, /\/dev\/pts/);
    await sleep(50);
    terminal.type('typed');
    terminal.type('Enter');
    expect(await terminal.status()).toBe(12);
    expect(contentOf(file)).toMatch(/^\/dev\/pts\/\d+\ntyped\n$/);
  });

  test('told to stop by a signal to it alone, the wrapper stops with the program, and goes on with it', async ({
    expect,
  }) => {
    const file = join(temporaryFolder(), 'status');
    const marker = `HWLOC_SHARE_DIR=${temporaryFolder()}`;
    const shell = openShell({ HWLOC_SHARE_DIR: marker.split('=')[1] });
    shell.enter(`(${wrapper('sh', '-c', '"sleep 2; exit 6"').join(' ')}; echo $? >${file}) &`);
    const ours = (words: RegExp) =>
      processesWith(marker).filter((pid) => words.test(contentOf(`/proc/${pid}/cmdline`)));
    await expect.poll(() => ours(/^sleep\0/).length, { timeout: 5000 }).toBe(1);
    const [wrapperPid = 0] = ours(/^[^\0]*node\0/);
    const state = () => /\) (\S)/.exec(contentOf(`/proc/${wrapperPid}/stat`))?.[1];
    process.kill(wrapperPid, 'SIGTSTP');
    await expect.poll(state, { timeout: 5000 }).toBe('T');
    process.kill(wrapperPid, 'SIGCONT');
    expect(await untilThere(file, /\d/)).toBe('6\n');
  });
});

// Open MPI 5 is the one that signals its own process group: Debian 13 has it.
launcher('openmpi').describe('Open MPI', () => {
  test('the script that started the wrapper outlives a rank that ends early', async () => {
    const rank = ['sh', '-c', '[ $OMPI_COMM_WORLD_RANK = 2 ] && exit 7; sleep 0.3'];
    const script = [
      'sh',
      '-c',
      '"$@"; echo "status $?"',
      'sh',
      ...wrapper(...launcherCommands.openmpi(4, rank)),
    ];
    const options = () => ({ env: { HWLOC_SHARE_DIR: temporaryFolder() } });
    for (let i = 0; i < 3; i++) {
      const jobs = await Promise.all([1, 2, 3, 4].map(() => startJob(script, options()).result));
      for (const job of jobs) expect(job).toMatchObject({ exitCode: 0, stdout: 'status 7\n' });
    }
  });

  // A second SIGTERM makes mpirun end at once, and leave its ranks alone.
  test('a SIGTERM to the process group ends all ranks', async () => {
    const rank = ['sh', '-c', 'echo up; sleep 60'];
    const end = async (command: readonly string[]) => {
      const job = startJob(command, { env: { HWLOC_SHARE_DIR: temporaryFolder() } });
      await job.printed(/(up[^]*){3}/);
      process.kill(-job.pid, 'SIGTERM');
      await job.result;
      return processesLeft(() => processesWith(job.marker));
    };
    for (let i = 0; i < 3; i++) {
      expect(await end(launcherCommands.openmpi(3, rank))).toEqual([]);
      expect(await end(wrapper(...launcherCommands.openmpi(3, rank)))).toEqual([]);
    }
  });
});
