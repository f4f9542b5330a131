// A Slurm of our own on this machine: munged, slurmctld and slurmd, on free ports, with everything in one temporary folder.
// It shares nothing with a Slurm of the system, nor with another one of these.
import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes, randomInt } from 'node:crypto';
import { chmodSync, closeSync, existsSync, mkdirSync, mkdtempSync } from 'node:fs';
import { openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { hostname, userInfo } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { execa } from 'execa';
import { boundToUs, findCommand } from '../support/commands.js';
import { ownedFolder, ownerEnvironment, sweepOnce } from '../support/owner.js';
import { processesHolding, processesLeft, processesWith, sendSignal } from '../support/processes.js';

export interface Slurm {
  /** For srun, salloc, sbatch and the like: what makes them talk to this Slurm. */
  env: Record<string, string>;
  /** Configuration, logs and state; removed by `stop()`. */
  folder: string;
  /** Ends the daemons and all jobs, and removes the folder. Rejects if a process does not go. Calling it again is harmless. */
  stop(): Promise<void>;
}

interface Daemon {
  name: string;
  process: ChildProcess;
  log: string;
}

/** Nodes of more cores than the machine has (config_overrides), so that many ranks may run at once. */
const cores = 64;

const startLimitMs = 15_000;
const endLimitMs = 5_000;
// slurmctld now and then takes 3 s to save a state that nobody wants.
const politeLimitMs = 300;

/** Starts a Slurm, and resolves when it takes jobs. Rejects with the daemons' logs if that takes too long. */
export async function startSlurm(): Promise<Slurm> {
  sweepOnce();
  // Between choosing a port and listening on it somebody else may take it: then with other ports.
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await startOnce();
    } catch (error) {
      if (attempt === 3 || !/address already in use/i.test(String(error))) throw error;
    }
  }
}

async function startOnce(): Promise<Slurm> {
  const folder = mkdtempSync(ownedFolder);
  const daemons: Daemon[] = [];
  let stopped: Promise<void> | undefined;
  const stop = (): Promise<void> => (stopped ??= stopAll(folder, daemons));
  try {
    await startAll(folder, daemons);
    return { env: slurmEnvironment(folder), folder, stop };
  } catch (error) {
    const logs = daemons.map(({ name, log }) => `--- ${name}\n${readFileSync(log, 'utf8').slice(-4000)}`);
    await stop();
    throw new Error(`Slurm did not start: ${String(error)}\n${logs.join('\n')}`, { cause: error });
  }
}

async function startAll(folder: string, daemons: Daemon[]): Promise<void> {
  const controllerPort = await freePort();
  const nodePort = await freePort(controllerPort);
  const configuration = join(folder, 'slurm.conf');
  const socket = join(folder, 'munge.socket');

  chmodSync(folder, 0o755); // munged wants its socket to be reachable for everybody
  mkdirSync(join(folder, 'state'));
  mkdirSync(join(folder, 'spool'));
  writeFileSync(join(folder, 'munge.key'), randomBytes(128), { mode: 0o600 });
  writeFileSync(configuration, slurmConf(folder, controllerPort, nodePort));

  const start = (name: string, args: string[]): Daemon => {
    const daemon = startDaemon(folder, name, args);
    daemons.push(daemon);
    return daemon;
  };

  // All in the foreground: our children, whose pids and deaths we know. One after the other: each waits a whole second
  // before it tries again to reach one that is not there yet.
  const munged = start('munged', mungeOptions(folder, socket));
  await until('munged has its socket', [munged], () => Promise.resolve(existsSync(socket)));
  const slurmctld = start('slurmctld', ['-D', '-c', '-f', configuration]);
  await until('slurmctld listens', [munged, slurmctld], () => accepts(controllerPort));
  start('slurmd', ['-D', '-f', configuration]);
  await until('the node is idle', daemons, () => nodeIsIdle(folder));
}

function mungeOptions(folder: string, socket: string): string[] {
  const file = (option: string, name: string): string => `--${option}=${join(folder, name)}`;
  return [
    '--foreground',
    '--force', // it warns of a folder in /tmp, which anybody may write into
    `--socket=${socket}`,
    file('key-file', 'munge.key'),
    file('pid-file', 'munged.pid'),
    file('log-file', 'munge.log'),
    file('seed-file', 'munge.seed'),
  ];
}

function slurmConf(folder: string, controllerPort: number, nodePort: number): string {
  const host = hostname().split('.')[0] ?? '';
  const user = userInfo().username;
  return `ClusterName=test
SlurmctldHost=${host}(127.0.0.1)
SlurmctldPort=${controllerPort}
SlurmdPort=${nodePort}
CommunicationParameters=NoCtldInAddrAny,NoInAddrAny
SlurmUser=${user}
SlurmdUser=${user}
AuthType=auth/munge
CredType=cred/munge
AuthInfo=socket=${join(folder, 'munge.socket')}
StateSaveLocation=${join(folder, 'state')}
SlurmdSpoolDir=${join(folder, 'spool')}
SlurmctldPidFile=${join(folder, 'slurmctld.pid')}
SlurmdPidFile=${join(folder, 'slurmd.pid')}
SlurmctldLogFile=${join(folder, 'slurmctld.file.log')}
SlurmdLogFile=${join(folder, 'slurmd.file.log')}
MailProg=/bin/true
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
JobCompType=jobcomp/none
AccountingStorageType=accounting_storage/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
SchedulerType=sched/builtin
SwitchType=switch/none
MpiDefault=none
ReturnToService=2
KillWait=2
PropagateResourceLimits=NONE
SlurmdParameters=config_overrides
NodeName=${host} NodeAddr=127.0.0.1 CPUs=${cores} Boards=1 SocketsPerBoard=1 CoresPerSocket=${cores} ThreadsPerCore=1 RealMemory=2000 State=UNKNOWN
PartitionName=test Nodes=ALL Default=YES MaxTime=INFINITE State=UP OverSubscribe=YES:64
`;
}

function slurmEnvironment(folder: string): Record<string, string> {
  return { SLURM_CONF: join(folder, 'slurm.conf') };
}

function startDaemon(folder: string, name: string, args: string[]): Daemon {
  const file = findCommand(name);
  if (file === undefined) throw new Error(`${name} is not installed`);
  const log = join(folder, `${name}.log`);
  const descriptor = openSync(log, 'a', 0o600);
  try {
    const child = spawn(...boundToUs(file, args), {
      cwd: folder,
      env: { PATH: process.env.PATH, LANG: 'C.UTF-8', ...ownerEnvironment, ...slurmEnvironment(folder) },
      stdio: ['ignore', descriptor, descriptor],
      detached: true,
    });
    child.on('error', () => undefined); // seen as an end without exit status
    return { name, process: child, log };
  } finally {
    closeSync(descriptor);
  }
}

/** Waits for a condition for as long as these daemons run, and no longer than the limit. */
async function until(what: string, daemons: Daemon[], holds: () => Promise<boolean>): Promise<void> {
  const limit = performance.now() + startLimitMs;
  while (!(await holds())) {
    const dead = daemons.find(({ process }) => hasEnded(process));
    if (dead !== undefined) throw new Error(`${dead.name} ended before ${what}`);
    if (performance.now() > limit) throw new Error(`not after ${startLimitMs} ms: ${what}`);
    await sleep(10);
  }
}

async function nodeIsIdle(folder: string): Promise<boolean> {
  const { stdout } = await execa(findCommand('sinfo') ?? 'sinfo', ['-h', '-N', '-o', '%t'], {
    env: slurmEnvironment(folder),
    timeout: 5_000,
    reject: false,
  });
  return stdout === 'idle';
}

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ port, host: '127.0.0.1', timeout: 1000 });
    const answer = (open: boolean) => () => {
      socket.destroy();
      resolve(open);
    };
    socket.on('connect', answer(true)).on('error', answer(false)).on('timeout', answer(false));
  });
}

/** A port of 127.0.0.1 that is free now, below those the system hands out by itself (srun takes several of them). */
async function freePort(except?: number): Promise<number> {
  for (let attempt = 0; attempt < 100; attempt += 1) {
    const port = randomInt(10_000, 32_768);
    if (port !== except && (await isFree(port))) return port;
  }
  throw new Error('no free port on 127.0.0.1');
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => {
      resolve(false);
    });
    server.listen({ port, host: '127.0.0.1', exclusive: true }, () => {
      server.close(() => {
        resolve(true);
      });
    });
  });
}

async function stopAll(folder: string, daemons: Daemon[]): Promise<void> {
  for (const daemon of [...daemons].reverse()) await endDaemon(daemon);
  await killSteps(folder);
  rmSync(folder, { recursive: true, force: true, maxRetries: 3 });
}

async function endDaemon({ name, process: child }: Daemon): Promise<void> {
  child.kill('SIGTERM');
  if (await ends(child, politeLimitMs)) return;
  child.kill('SIGKILL');
  if (!(await ends(child, endLimitMs))) throw new Error(`${name} (pid ${child.pid ?? '?'}) does not end`);
}

async function ends(child: ChildProcess, withinMs: number): Promise<boolean> {
  const limit = performance.now() + withinMs;
  while (!hasEnded(child)) {
    if (performance.now() > limit) return false;
    await sleep(5);
  }
  return true;
}

/**
 * Kills what slurmd leaves running on purpose when it ends: the step managers (their environment cannot be read, but they
 * have slurmd's log open), their ranks, and the clients that wait for them (whose environment names our slurm.conf).
 */
async function killSteps(folder: string): Promise<void> {
  const left = await processesLeft(() => {
    const found = [...processesHolding(folder), ...processesWith(join(folder, 'slurm.conf'))];
    for (const pid of found) sendSignal(pid, 'SIGKILL');
    return found;
  }, endLimitMs);
  if (left.length > 0) throw new Error(`still there after SIGKILL: pids ${left.join(', ')}`);
}

function hasEnded(child: ChildProcess): boolean {
  return child.pid === undefined || child.exitCode !== null || child.signalCode !== null;
}
