// What a launcher kind is, and what each of them needs to say.

import type { Environment } from '../../environment/index.js';

/** Who a process is in its job. What a launcher does not tell is undefined. */
export interface Identity {
  /** The kind of launcher that told us. */
  readonly launcher: string;
  /** The process's number in the job: 0 to size - 1. */
  readonly rank: number;
  /** The count of all processes of the job. */
  readonly size: number | undefined;
  /** The process's number on its node: 0 to localSize - 1. */
  readonly localRank: number | undefined;
  /** The count of the job's processes on this node. */
  readonly localSize: number | undefined;
  /** The node's name, as the launcher calls it where it tells. */
  readonly node: string;
  /**
   * A name that the ranks of this job step on this node share, and that no other step has; undefined where the launcher has none, and
   * its process, which would do, cannot be seen from this container.
   */
  readonly step: string | undefined;
  /** Whether the step is named by the launcher's process on this node: the variables alone do not tell two jobs apart. */
  readonly isNamedByProcess?: true;
}

/** A launcher's arguments, and the environment that it is started in. */
export interface Launch {
  readonly args: readonly string[];
  readonly env: Environment;
}

/** All there is to know about one launcher. */
export interface LauncherKind {
  readonly name: string;
  /** The names of its commands that no other kind has. */
  readonly commands: readonly string[];
  /** The names that several kinds share (`mpirun`), and by what the program's `--version` shows that it is this kind. */
  readonly shared?: { readonly commands: readonly string[]; readonly version: RegExp };
  /** The variables by which its ranks know it: all of these. Of names with a `|` between them, one is enough. */
  readonly variables: readonly string[];
  /** Whether variables with these names are another launcher's, which sets them for the sake of some MPI. */
  readonly isOthers?: (env: Environment) => boolean;
  /** How the names of its processes begin that stand above a rank on its node. @see proc(5), /proc/pid/comm: 15 characters */
  readonly processes: readonly string[];
  /**
   * Who a process is that has the {@link variables}.
   *
   * @param host  The name of its node, where the launcher's variables do not tell it.
   * @throws IdentityError  the values make no sense.
   */
  identify(env: Environment, host: string): Identity;
  /**
   * Sees to it that variables reach the ranks on all nodes. What the user has said of one of them, or of others, stays as it is.
   *
   * Without it, the launcher does so by itself, or cannot be told to.
   *
   * @param variables  The names; their values are in the environment.
   */
  passOn?(launch: Launch, variables: readonly string[]): Launch;
}
