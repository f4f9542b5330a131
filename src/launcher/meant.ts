// What a user may have meant by a word that makes no sense where it stands: a command of ours, or a launcher.

import { executable, launcherKinds } from './kinds/index.js';
import { nearest } from '../check/index.js';

const launchers = [
  ...new Set(launcherKinds.flatMap((kind) => [...kind.commands, ...(kind.shared?.commands ?? [])])),
];

/**
 * What the user may have meant by a launcher that was not found, as it is to be typed; undefined if nothing is near.
 *
 * @param path  PATH: only launchers that are installed are named.
 * @param own   The names of our commands.
 */
export function meantBy(command: string, path: string, own: readonly string[]): string | undefined {
  if (command.includes('/')) return undefined;
  const installed = launchers.filter((name) => executable(name, path) !== undefined);
  const meant = nearest(command, ['local', ...own, '--help', '--version', ...installed]);
  return meant === undefined ? undefined : `hwloc-share ${meant}`;
}

/** Whether a word is the name of a command of ours, or of a known launcher. */
export function isCommand(word: string, own: readonly string[]): boolean {
  return own.includes(word) || launchers.includes(word);
}
