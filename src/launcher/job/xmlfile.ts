// `--xmlfile`: has each node's topology written as XML, once, and tells all programs of the job where it is.
// docs/xmlfile.md describes how.

import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { ownUid } from '../../channel/place/index.js';
import { type Environment, hostName, sourceVariables } from '../../environment/index.js';
import { messageOf } from '../../errors/index.js';
import { prefixRules } from '../prefix/index.js';
import type { Launch, LauncherKind } from '../kinds/index.js';

/** The part of a job that matters here. */
export interface XmlJob {
  readonly job: string;
  readonly roots: readonly string[];
  /** Registers a function that releases a directory when the job has ended. */
  readonly whenOver: (release: () => void) => void;
  /** Writes a line to the user. */
  readonly complain: (text: string) => void;
}

// src/xmlfile in the bundle: next to this folder.
const programs = join(import.meta.dirname, '..', 'xmlfile');
const front = join(programs, 'front.sh');

/**
 * The words in front of each rank's program: sh, which reads front.sh if it exists, and then in any case
 * becomes the program.
 */
export const prefix: readonly string[] = [
  '/bin/sh',
  '-c',
  // Open MPI passes the variable to other nodes with the prefix OMPI_.
  '[ -r "${HWLOC_SHARE_XMLFILE:=$OMPI_HWLOC_SHARE_XMLFILE}" ] && . "$HWLOC_SHARE_XMLFILE"; exec "$@"',
  'sh',
];

/** For the ranks of the built-in launcher, which are all on this node. @returns their environment */
export async function forLocal(env: Environment, xmlJob: XmlJob): Promise<Environment> {
  if (isTold(env, [], xmlJob)) return env;
  const file = await writeHere(env, xmlJob);
  return file === undefined ? env : told({ ...env, HWLOC_SHARE_XMLFILE: '1' }, file);
}

/**
 * For a launcher, which may start ranks on any node. @returns a function that changes a launch accordingly
 */
export function forLauncher(
  xmlJob: XmlJob,
): (kind: LauncherKind | undefined, launch: Launch) => Promise<Launch> {
  return (kind, launch) => prepare(kind, launch, xmlJob);
}

async function prepare(kind: LauncherKind | undefined, launch: Launch, xmlJob: XmlJob): Promise<Launch> {
  const { complain } = xmlJob;
  if (isTold(launch.env, launch.args, xmlJob)) return launch;
  const env: Environment = {
    ...launch.env,
    HWLOC_SHARE_XMLFILE: front,
    HWLOC_SHARE_NODE: process.execPath,
    HWLOC_SHARE_UID: String(ownUid()),
  };
  const launcher = kind === undefined ? undefined : prefixRules[kind.name];
  const prefixed = launcher?.put({ ...launch, env }, prefix);
  if (prefixed === undefined) {
    const why = launcher === undefined ? 'this launcher' : 'these options of the launcher';
    complain(`--xmlfile does not work with ${why}; programs discover the machine for themselves`);
    return launch;
  }
  // HWLOC_COMPONENTS is meant for the ranks. A launcher that should look at something else discovers that
  // itself.
  if (launcher?.usesHwloc !== true || env.HWLOC_COMPONENTS !== undefined) return prefixed;
  const file = await writeHere(env, xmlJob);
  return file === undefined ? prefixed : { args: prefixed.args, env: told(prefixed.env, file) };
}

function isTold(env: Environment, args: readonly string[], { complain }: XmlJob): boolean {
  // A value that the user has set is kept.
  const name = sourceVariables.find(
    (each) => env[each] !== undefined || args.some((word) => sets(word, each)),
  );
  if (name === undefined) return false;
  complain(`--xmlfile: ${name} is set already, and stays as it is`);
  return true;
}

/** `-x NAME=value`, `-genv NAME value`, `--export=ALL,NAME=value` and the like; not `sh -c 'echo $NAME'`. */
function sets(word: string, name: string): boolean {
  return new RegExp(`(^|[,;=])${name}(=|$)`).test(word);
}

/**
 * Variables that belong together: the file, that it describes this machine, and that the reader's own cgroup
 * applies.
 */
function told(env: Environment, file: string): Environment {
  return {
    ...env,
    HWLOC_XMLFILE: file,
    HWLOC_THISSYSTEM: env.HWLOC_THISSYSTEM ?? '1',
    HWLOC_THISSYSTEM_ALLOWED_RESOURCES: env.HWLOC_THISSYSTEM_ALLOWED_RESOURCES ?? '1',
    // With HWLOC_COMPONENTS, hwloc ignores HWLOC_XMLFILE. The file contains what the variable asks for.
    HWLOC_COMPONENTS: undefined,
  };
}

/**
 * Writes the file on this node. It is removed with the job's channels. A separate process writes it: a
 * discovery loads libraries for all kinds of devices, and takes as long as they need.
 *
 * @returns undefined if that fails; the user has been told.
 */
async function writeHere(
  env: Environment,
  { job, roots, whenOver, complain }: XmlJob,
): Promise<string | undefined> {
  try {
    const { enterChannel, leaveChannel, ownerByte } = await import('../../channel/index.js');
    // No ranks meet in this channel. It is locked, and removed with the job's other channels when the job has
    // ended.
    const directory = enterChannel(roots, `${job}.xmlfile@${hostName()}`, ownerByte);
    const leave = () => {
      leaveChannel(directory, ownerByte);
    };
    if (await runWriter(directory.path, env)) {
      whenOver(leave);
      return join(directory.path, 'topology.xml');
    }
    leave();
  } catch (error) {
    complain(`--xmlfile: ${messageOf(error)}; going on without`);
  }
  return undefined;
}

/** @returns whether the file exists; if not, the writer has said why. */
function runWriter(directory: string, env: Environment): Promise<boolean> {
  return new Promise((resolve, reject) => {
    // NODE_OPTIONS could make the process join the job, for example.
    const child = spawn(process.execPath, [join(programs, 'bin.mjs'), directory], {
      env: { ...env, NODE_OPTIONS: undefined },
      stdio: ['ignore', 2, 2],
    });
    child.on('error', reject);
    child.on('exit', (code) => {
      resolve(code === 0);
    });
  });
}
