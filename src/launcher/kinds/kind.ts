// What a launcher kind is, and what each of them needs to say.

import type { Environment } from '../../environment/index.js';

/** Who a process is in its job. */
export interface Identity {
  /** The kind of launcher that told us. */
  readonly launcher: string;
  /** The process's number in the job: 0 to size - 1. */
  readonly rank: number;
  /** The count of all processes of the job. */
  readonly size: number;
  /** The process's number on its node: 0 to localSize - 1. */
  readonly localRank: number;
  /** The count of the job's processes on this node. */
  readonly localSize: number;
  /** The node's name, as the launcher calls it where it tells. */
  readonly node: string;
  /** A name that the ranks of this job step on this node share, and that no other step has. */
  readonly step: string;
  /** The pid of a process that lives as long as the job does on this node: the launcher or its daemon. */
  readonly keeper: number;
}

/** All there is to know about one launcher. */
export interface LauncherKind {
  readonly name: string;
  /** The names of its commands that no other kind has. */
  readonly commands: readonly string[];
  /** The names that several kinds share (`mpirun`), and by what the program's `--version` shows that it is this kind. */
  readonly shared?: { readonly commands: readonly string[]; readonly version: RegExp };
  /**
   * Who this process is, if this kind of launcher started it.
   *
   * @returns undefined if its variables are not there.
   * @throws IdentityError  if they are there but make no sense.
   */
  identify(env: Environment): Identity | undefined;
}
