// Waiting shows: a leader says on stderr who of its node has come and for whom it waits, at growing intervals.

import type { Context } from './context.js';
import { listOf } from './notice.js';
import type { Roster } from './roster.js';

/** Seconds before it is said first, and then between that and the next time; from then on twice as long each time. */
const patience = 2;

/**
 * Says it until the function that this returns is called.
 *
 * Only on a terminal, where somebody sits and wonders, or where it was asked for: what goes to a file should say what has happened,
 * not what has not yet. (Most launchers give their ranks a pipe.)
 */
export function tellForWhomItWaits(context: Context, roster: Roster): () => void {
  let timer = setTimeout(tell, patience * 1000, patience);

  function tell(seconds: number): void {
    if (!context.settings.verbose && !isOnTerminal()) return;
    const text = whoIsMissing(context, roster);
    if (text !== undefined) context.notice(text);
    timer = setTimeout(tell, seconds * 1000, seconds * 2);
  }

  return () => {
    clearTimeout(timer);
  };
}

function isOnTerminal(): boolean {
  // Not imported: it loads the whole of node:net, and hardly any join takes so long. Not process.stderr.isTTY: looking at that makes
  // a pipe non-blocking, which is the job's as well.
  return process.getBuiltinModule('node:tty').isatty(2);
}

function whoIsMissing({ identity, settings }: Context, roster: Roster): string | undefined {
  // Who has announced itself but not yet said what it has mapped is waited for as well.
  const greeting = roster.standing('greeting').map(({ localRank }) => localRank);
  const awaited = [...roster.missing(), ...greeting].sort((a, b) => a - b);
  if (awaited.length === 0) return undefined;
  const local = identity.size === identity.localSize ? '' : 'local ';
  const come = 1 + roster.present().length - greeting.length;
  const all = identity.localSize === undefined ? '' : ` of ${identity.localSize}`;
  const ranks = awaited.length === 1 ? 'rank' : 'ranks';
  return (
    `${come}${all} ${local}ranks have come; waiting for ${local}${ranks} ${listOf(awaited)}, ` +
    `${settings.timeout} s at most (HWLOC_SHARE_TIMEOUT)`
  );
}
