// This process's environment, handed on to those who ask; nobody else touches process.env.

/** Variables by name. Detection and settings take it as an argument, so that tests can give them any other. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** The environment as it is now. */
export function environment(): Environment {
  return process.env;
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
