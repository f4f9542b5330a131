// Who started what: so that a test run ends what an earlier one left when it was killed (its jobs, its Slurm).
import { existsSync, readdirSync, readlinkSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { allProcesses, environmentOf, processesHolding, sendSignal, startTimeOf } from './processes.js';

// Pids mean something within a PID namespace only: a test run on a machine of its own in a namespace (npm run test:roots) is seen from
// outside under other pids. The start time, because pids are used again.
const namespace = /\d+/.exec(readlinkSync('/proc/self/ns/pid'))?.[0] ?? '';
const owner = `${namespace}.${process.pid}.${startTimeOf(process.pid) ?? 0}`;
const variable = 'TEST_STARTED_BY';
const folderPrefix = 'test-owned-';

/** To be set in the environment of everything that outlives a killed test process. */
export const ownerEnvironment: Record<string, string> = { [variable]: owner };

/** For mkdtemp: a folder of the temp dir that a later run removes if this one cannot. */
export const ownedFolder = join(tmpdir(), `${folderPrefix}${owner}-`);

const sharedMemory = '/dev/shm';

/** The same, in shared memory. */
export const ownedMemoryFolder = join(sharedMemory, `${folderPrefix}${owner}-`);

let swept = false;

/** Kills the processes and removes the folders whose owner is dead. Once per test process, which takes milliseconds. */
export function sweepOnce(): void {
  if (swept) return;
  swept = true;
  for (const pid of allProcesses()) {
    const entry = environmentOf(pid).find((one) => one.startsWith(`${variable}=`));
    if (entry !== undefined && isDead(entry.slice(variable.length + 1))) sendSignal(pid, 'SIGKILL');
  }
  for (const base of [tmpdir(), sharedMemory].filter((each) => existsSync(each))) sweepFolders(base);
}

function sweepFolders(base: string): void {
  for (const name of readdirSync(base)) {
    const of = name.startsWith(folderPrefix) ? name.slice(folderPrefix.length).split('-')[0] : undefined;
    if (of === undefined || !isDead(of)) continue;
    const folder = join(base, name);
    for (const pid of processesHolding(folder)) sendSignal(pid, 'SIGKILL');
    rmSync(folder, { recursive: true, force: true, maxRetries: 3 });
  }
}

function isDead(of: string): boolean {
  const [where, pid, startTime] = of.split('.');
  return where === namespace && startTimeOf(Number(pid)) !== Number(startTime);
}
