// The type of a launcher kind, and of the identity that it gives.

import type { Environment } from '../../environment/index.js';

/** The identity of a process in its job. Values that its launcher does not give are undefined. */
export interface Identity {
  /** The kind of launcher that gave the identity. */
  readonly launcher: string;
  /** The process's number in the job: 0 to size - 1. */
  readonly rank: number;
  /** The number of processes of the job. */
  readonly size: number | undefined;
  /** The process's number on its node: 0 to localSize - 1. */
  readonly localRank: number | undefined;
  /** The number of the job's processes on this node. */
  readonly localSize: number | undefined;
  /** The node's name; the launcher's name for it, if the launcher gives one. */
  readonly node: string;
  /**
   * A name that the ranks of this job step on this node share, and no other step has. Undefined if the
   * launcher has no such name, and its process, which could stand for the name, cannot be seen from this
   * container.
   */
  readonly step: string | undefined;
  /**
   * Whether the step has the name of the launcher's process on this node: the variables alone do not
   * distinguish two jobs.
   */
  readonly isNamedByProcess?: true;
}

/** A launcher's arguments, and the environment that it starts in. */
export interface Launch {
  readonly args: readonly string[];
  readonly env: Environment;
}

/** Everything about one launcher. */
export interface LauncherKind {
  readonly name: string;
  /** The names of its commands that no other kind shares. */
  readonly commands: readonly string[];
  /**
   * The names that several kinds share (`mpirun`), and the pattern by which the program's `--version` shows
   * this kind.
   */
  readonly shared?: { readonly commands: readonly string[]; readonly version: RegExp };
  /**
   * The variables by which its ranks recognise it: all of these. Of several names separated by `|`, one is
   * enough.
   */
  readonly variables: readonly string[];
  /** Whether another launcher has set these variables, for the sake of some MPI. */
  readonly isOthers?: (env: Environment) => boolean;
  /**
   * The beginnings of the names of its processes above a rank on the rank's node. @see proc(5),
   * /proc/pid/comm: 15 characters
   */
  readonly processes: readonly string[];
  /**
   * The identity of a process that has the {@link variables}.
   *
   * @param host  The name of its node, if the launcher's variables do not give it.
   * @throws IdentityError  the values are inconsistent.
   */
  identify(env: Environment, host: string): Identity;
  /**
   * Changes a launch so that variables reach the ranks on all nodes. Settings by the user, of these or other
   * variables, are kept.
   *
   * A kind without this function passes variables on by itself, or cannot be told to.
   *
   * @param variables  The names; their values are in the environment.
   */
  passOn?(launch: Launch, variables: readonly string[]): Launch;
}
