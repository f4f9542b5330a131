// A launcher below another one's rank: the variables of both are there, and those of the inner one count.

import { type Environment, environmentOf } from '../../environment/index.js';
import { isNamed, nearest } from './ancestor.js';
import type { LauncherKind } from './kind.js';

/**
 * The kind of launcher that started a process: of several whose variables it has, the one whose process is nearest above it.
 *
 * A process is a launcher's if it has a name of it, or if it was started without that launcher's variables, or with other values: then it
 * gave them to its children. The second rule finds launchers that have no name of their own (torchrun is a Python program).
 *
 * @param kinds  Those whose variables are there, at least one, in the order of the table.
 * @param pid    The process, if it is not this one.
 * @returns the first, where nothing can be seen of the processes above (another PID namespace).
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
