// What belongs to a job on the wrapper's own node: its channel and its spool are locked while it runs, and removed when it ends. Loaded when
// the launcher runs already: the native calls that locks need take longer to load than all else that the wrapper does.

import { join } from 'node:path';
import {
  type Channel,
  type Lobby,
  type Roll,
  enterChannel,
  leaveChannel,
  openLobby,
  ownDirectory,
  ownerByte,
  removeIfDead,
  sweep,
} from '../../channel/index.js';
import { hostName } from '../../environment/index.js';
import { namesIn } from '../../channel/place/index.js';
import { type HeldChannel, holdKept } from '../../kept/index.js';

/** How long ranks may take to end after their launcher has. */
const lastMilliseconds = 500;
const pause = 10;

/** A job, as far as it leaves anything in directories. */
export interface OwnJob {
  readonly job: string;
  readonly roots: readonly string[];
  /** The name of the channel in which its ranks meet; undefined if it is not known before they come. */
  readonly key: string | undefined;
  /** Whether it is a script, whose steps have one topology: what the first one discovers is kept for the others. */
  readonly isScript: boolean;
  /** A directory with a roll that is the job's own. */
  readonly spool: string | undefined;
  /** Directories that dead wrappers may have left. */
  readonly others: readonly string[];
  /** Says a line to the user. */
  readonly complain: (text: string) => void;
}

/** Owns what a job has, until it is released. Removes what dead jobs left. */
export function own({ job, roots, key, isScript, spool, others, complain }: OwnJob): { release(): void } {
  let channel: Channel | undefined;
  let held: HeldChannel | undefined;
  let roll: Roll | undefined;
  let lobby: Lobby | undefined;
  try {
    // So that no rank has to make it, or to wait until another one has.
    if (key !== undefined) {
      channel = enterChannel(roots, key, ownerByte, (error) => {
        complain(error.message);
      });
      // What a rank says stays in it, even if that rank dies before another one has come.
      lobby = openLobby(channel.path);
    }
    if (isScript) held = holdKept(roots, hostName());
    if (spool !== undefined) roll = ownDirectory(spool);
    others.forEach(removeIfDead);
    for (const root of roots) sweep(root, job);
  } catch {
    // The ranks can do all of it for themselves, and say why they cannot if it matters.
  }
  return {
    release() {
      lobby?.close();
      if (channel !== undefined) leaveChannel(channel, ownerByte);
      if (held !== undefined) leaveChannel(held.channel, held.byte);
      roll?.close();
    },
  };
}

/**
 * Removes what a job that has ended has left, and what other dead jobs left.
 *
 * Ranks whose launcher was killed may go on. They keep their channel, and remove it themselves.
 */
export async function removeJob({ job, roots }: OwnJob): Promise<void> {
  const until = performance.now() + lastMilliseconds;
  const ours = (root: string) =>
    namesIn(root).filter((name) => name.startsWith(`${job}.`) || name.startsWith(`${job}@`));
  const left = () => roots.flatMap((root) => ours(root).map((name) => join(root, name)));
  for (let paths = left(); paths.length > 0; paths = left()) {
    if (paths.every(removeIfDead) || performance.now() >= until) break;
    await new Promise((resolve) => setTimeout(resolve, pause));
  }
  for (const root of roots) sweep(root);
}
