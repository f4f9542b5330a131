// Finds the programs that tests run.
import { accessSync, constants, statSync } from 'node:fs';
import { join } from 'node:path';

// Daemons live in sbin, which is not in everybody's PATH.
const always = ['/usr/local/sbin', '/usr/sbin', '/sbin'];

/** The absolute path of a command, as a shell would find it; `undefined` where it is not installed. */
export function findCommand(name: string, path = process.env.PATH ?? ''): string | undefined {
  if (name.includes('/')) return isExecutable(name) ? name : undefined;
  return [...path.split(':'), ...always].map((folder) => join(folder, name)).find(isExecutable);
}

/**
 * A command line that becomes this one, under the same pid, and gets a SIGTERM when the process that started it dies.
 * For what runs in a process group of its own, which no Ctrl-C reaches.
 */
export function boundToUs(file: string, args: readonly string[]): [file: string, args: string[]] {
  // util-linux has it, an essential package. Looked for in our own PATH, whatever PATH the command is given.
  return [findCommand('setpriv') ?? 'setpriv', ['--pdeathsig', 'TERM', '--', file, ...args]];
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return statSync(file).isFile();
  } catch {
    return false;
  }
}
