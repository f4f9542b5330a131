// This process's environment: no other file uses process.env. Also the host name and the temporary directory,
// without node:os: loading it takes each rank half a millisecond.

import { readFileSync } from 'node:fs';

/** Variables by name. Detection and settings take them as an argument, so that tests can pass others. */
export type Environment = Readonly<Record<string, string | undefined>>;

/**
 * The prefix under which Open MPI passes the wrapper's variables to other nodes: it passes on each variable
 * with this prefix. @see mpirun(1), "ENVIRONMENT VARIABLES"
 */
export const passedOn = 'OMPI_';

let isTakenOver = false;

/** The current environment. */
export function environment(): Environment {
  if (!isTakenOver) takeOver();
  isTakenOver = true;
  return process.env;
}

/** Restores the variables that Open MPI has passed on to their own names, unless those are set. */
function takeOver(): void {
  // The wrapper sets this variable for each job.
  if (process.env[`${passedOn}HWLOC_SHARE_JOB`] === undefined) return;
  for (const [name, value] of Object.entries(process.env)) {
    if (name.startsWith(`${passedOn}HWLOC_SHARE_`)) process.env[name.slice(passedOn.length)] ??= value;
  }
}

/** Unsets a variable. */
export function removeVariable(name: string): void {
  Reflect.deleteProperty(process.env, name);
}

/** Tells a process's other threads, and its children, that its rank has joined. */
export const joinedVariable = 'HWLOC_SHARE_JOINED';

/**
 * Sets the mark for the children of this thread. They inherit the variables of the rank but are not that
 * rank: they must not wait for ranks that have already joined. (A worker thread's `process.env` is a copy.
 * Its children inherit that copy.)
 */
export function markJoined(mark: string): void {
  process.env[joinedVariable] = mark;
}

/** Sets variables for the children of this process, unless one of them is already set. */
export function tellChildren(variables: Readonly<Record<string, string>>): void {
  const names = Object.keys(variables);
  if (names.every((name) => process.env[name] === undefined)) Object.assign(process.env, variables);
}

/** This node's name, as uname(2) has it. */
export function hostName(): string {
  try {
    return readFileSync('/proc/sys/kernel/hostname', 'utf8').trimEnd();
  } catch {
    return process.getBuiltinModule('node:os').hostname();
  }
}

/** The directory for temporary files, as `os.tmpdir()` finds it. */
export function temporaryDirectory(env: Environment): string {
  const given = [env.TMPDIR, env.TMP, env.TEMP].find((each) => each !== undefined && each !== '') ?? '/tmp';
  return given.length > 1 && given.endsWith('/') ? given.slice(0, -1) : given;
}
