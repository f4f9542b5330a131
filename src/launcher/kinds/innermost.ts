// Finds the innermost launcher. In a rank with the variables of two launchers, the variables of the inner one
// count.

import { type Environment, environmentOf } from '../../environment/index.js';
import { isNamed, nearest } from './ancestor.js';
import type { LauncherKind } from './kind.js';

/**
 * The kind of launcher that started a process. If the process has the variables of several kinds, the
 * launcher whose process is nearest above it.
 *
 * A process belongs to a launcher if it has one of the launcher's names. It also does if it was started
 * without that launcher's variables, or with other values: then it has set them for its children. The second
 * rule finds launchers without a name of their own (torchrun is a Python program).
 *
 * @param kinds  The kinds whose variables are set, at least one, in the order of the table.
 * @param pid    The process; default: this one.
 * @returns the first kind, if no process above can be seen (another PID namespace).
 */
export function innermost(
  kinds: readonly [LauncherKind, ...LauncherKind[]],
  env: Environment,
  pid?: number,
): LauncherKind {
  let found: LauncherKind | undefined;
  nearest((ancestor) => {
    const named = kinds.filter(({ processes }) => isNamed(ancestor, processes));
    if (named.length === 1) return (found = named[0]) !== undefined;
    const theirs = environmentOf(ancestor.pid);
    const set = theirs === undefined ? [] : kinds.filter((kind) => !hasSame(kind, env, theirs));
    found = named.find((kind) => set.includes(kind)) ?? named[0] ?? set[0];
    return found !== undefined;
  }, pid);
  return found ?? kinds[0];
}

function hasSame({ variables }: LauncherKind, env: Environment, theirs: Environment): boolean {
  return variables.every((names) => names.split('|').every((name) => env[name] === theirs[name]));
}
