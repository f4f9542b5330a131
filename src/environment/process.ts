// This process's environment, handed on to those who ask; nobody else touches process.env. And two things that node:os tells, without it:
// to load that takes half a millisecond, in each rank.

import { readFileSync } from 'node:fs';

/** Variables by name. Detection and settings take it as an argument, so that tests can give them any other. */
export type Environment = Readonly<Record<string, string | undefined>>;

/**
 * What the wrapper's variables have in front of their names where Open MPI passes them on to another node: it does so with each variable
 * that begins with this. @see mpirun(1), "ENVIRONMENT VARIABLES"
 */
export const passedOn = 'OMPI_';

let isTakenOver = false;

/** The environment as it is now. */
export function environment(): Environment {
  if (!isTakenOver) takeOver();
  isTakenOver = true;
  return process.env;
}

/** Gives the variables that Open MPI has passed on their own names, where these are not set. */
function takeOver(): void {
  // The wrapper sets this one for each job.
  if (process.env[`${passedOn}HWLOC_SHARE_JOB`] === undefined) return;
  for (const [name, value] of Object.entries(process.env)) {
    if (name.startsWith(`${passedOn}HWLOC_SHARE_`)) process.env[name.slice(passedOn.length)] ??= value;
  }
}

/** Takes a variable out. */
export function removeVariable(name: string): void {
  Reflect.deleteProperty(process.env, name);
}

/** By this a process's other threads, and its children, see that its rank has joined. */
export const joinedVariable = 'HWLOC_SHARE_JOINED';

/**
 * Leaves word for the children of this thread, which inherit its rank's variables but are not that rank: they must not wait for ranks that
 * have joined already. (A worker thread's `process.env` is a copy, and it is that copy that its children inherit.)
 */
export function markJoined(mark: string): void {
  process.env[joinedVariable] = mark;
}

/** Sets variables for the children of this process, where nobody has set any of them. */
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
