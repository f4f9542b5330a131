// Owns what belongs to a job on the wrapper's node: locks its channel and its spool while it runs, and
// removes them when it ends. Loaded only after the launcher was started: the native calls for locks take
// longer to load than everything else in the wrapper.

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

/** How long ranks may take to end after their launcher has ended. */
const lastMilliseconds = 500;
const pause = 10;

/** The part of a job that has files. */
export interface OwnJob {
  readonly job: string;
  readonly roots: readonly string[];
  /** The key of the channel in which its ranks meet; undefined if it is not known before the ranks come. */
  readonly key: string | undefined;
  /**
   * Whether it is a script, whose steps share one topology: what the first step discovers is kept for the
   * others.
   */
  readonly isScript: boolean;
  /** A directory with a roll that belongs to this job. */
  readonly spool: string | undefined;
  /** Directories that dead wrappers may have left. */
  readonly others: readonly string[];
  /** Writes a line to the user. */
  readonly complain: (text: string) => void;
}

/** Owns the directories of a job until they are released. Removes what dead jobs have left. */
export function own({ job, roots, key, isScript, spool, others, complain }: OwnJob): { release(): void } {
  let channel: Channel | undefined;
  let held: HeldChannel | undefined;
  let roll: Roll | undefined;
  let lobby: Lobby | undefined;
  try {
    // So that no rank must make the channel, or wait until another rank has made it.
    if (key !== undefined) {
      channel = enterChannel(roots, key, ownerByte, (error) => {
        complain(error.message);
      });
      // Keeps the content of the lobby: a rank's message stays in it, even if that rank dies before another
      // one comes.
      lobby = openLobby(channel.path);
    }
    if (isScript) held = holdKept(roots, hostName());
    if (spool !== undefined) roll = ownDirectory(spool);
    others.forEach(removeIfDead);
    for (const root of roots) sweep(root, job);
  } catch {
    // The ranks can do all this themselves. If they cannot, and it matters, they say why.
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
 * Removes what a job has left after its end, and what other dead jobs have left.
 *
 * Ranks whose launcher was killed may continue to run. They keep their channel, and remove it themselves.
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
