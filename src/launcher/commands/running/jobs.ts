// Finds the jobs that run on this node: their ranks, and the topology that the ranks share.

import { dirname } from 'node:path';
import { environmentOf } from '../../../environment/index.js';
import { descendantsOf } from '../../../channel/place/index.js';
import { CommandError } from '../../errors.js';
import { identify } from '../../kinds/index.js';
import { parseMaps } from '../../../maps/index.js';
import { commandOf, mapsOf, ownProcesses } from './processes.js';

/** A topology that is mapped in a rank. */
export interface SharedMapping {
  /** Its file. It may have been removed: its pages exist as long as any process maps them. */
  readonly file: string;
  readonly address: number;
  readonly length: number;
}

export interface RunningRank {
  readonly pid: number;
  /** Its rank in the job. */
  readonly rank: number;
  /** The topology that it has adopted; undefined if it has a private copy, or has not joined yet. */
  readonly mapping: SharedMapping | undefined;
  /** The text of its /proc/<pid>/maps. */
  readonly maps: string;
}

/** The part of a job, or of a job step, on this node. */
export interface RunningJob {
  /** The wrapper's name for the job. Without a wrapper: the launcher's name and the first rank's pid. */
  readonly name: string;
  /** The launcher's own name for the step, if it has one. */
  readonly step: string;
  readonly ranks: readonly RunningRank[];
}

/** A process whose variables say that it is a rank. */
interface Candidate extends RunningRank {
  /** The wrapper's name for the job. */
  readonly job: string | undefined;
  readonly launcher: string;
  readonly step: string;
}

/** The jobs of this user that run on this node. */
export function runningJobs(): readonly RunningJob[] {
  const candidates = ownProcesses().flatMap((pid) => candidateOf(pid) ?? []);
  const groups = new Map<string, Candidate[]>();
  const add = (key: string, candidate: Candidate) => groups.set(key, [...(groups.get(key) ?? []), candidate]);
  // Processes that map the same file belong to the same step. Processes that map none join those of the same
  // name.
  for (const each of candidates) if (each.mapping !== undefined) add(dirname(each.mapping.file), each);
  const shared = [...groups];
  for (const each of candidates) {
    if (each.mapping !== undefined) continue;
    const name = each.job ?? each.step;
    const like = shared.find(([, [first]]) => (first?.job ?? first?.step) === name);
    add(like?.[0] ?? name, each);
  }
  return [...groups.values()].flatMap((group) => {
    const ranks = ranksAmong(group);
    const [first] = group;
    if (first === undefined) return [];
    return [{ name: first.job ?? `${first.launcher}-${ranks[0]?.pid ?? 0}`, step: first.step, ranks }];
  });
}

/**
 * The job that a user means.
 *
 * @param which  A job's name or the beginning of it; the pid of a rank, or of a process above a rank, such as
 *   the wrapper or mpirun; or `any`, if there is only one job.
 * @throws CommandError  there is no such job, or more than one.
 */
export function findJob(which: string): RunningJob {
  const jobs = runningJobs();
  const found = jobs.filter((job) => isMeant(job, which));
  const [only] = found;
  if (only !== undefined && found.length === 1) return only;
  const list = found.length > 0 ? found : jobs;
  const here = list
    .map(({ name, ranks }) => `${name} (pid ${ranks.map(({ pid }) => pid).join(', ')})`)
    .join('; ');
  throw new CommandError(
    found.length > 1
      ? `more than one job is meant by ${which}: ${here}`
      : `no job of yours on this node is meant by ${which}; ${here === '' ? 'none is running' : `running: ${here}`}`,
  );
}

function isMeant({ name, step, ranks }: RunningJob, which: string): boolean {
  if (which === 'any') return true;
  if (!/^\d+$/.test(which)) return name.startsWith(which) || step.startsWith(which);
  const below = [Number(which), ...descendantsOf([Number(which)])];
  return ranks.some(({ pid }) => below.includes(pid));
}

function candidateOf(pid: number): Candidate | undefined {
  const env = environmentOf(pid);
  const maps = env === undefined ? undefined : mapsOf(pid);
  if (env === undefined || maps === undefined) return undefined;
  let identity;
  try {
    identity = identify(env, undefined, pid);
  } catch {
    // Its variables are inconsistent: it is not a rank that could be named.
  }
  if (identity === undefined) return undefined;
  // The steps of some launchers (Hydra) are named after the process above the rank, but here that would be
  // another process.
  const { rank, launcher, step = launcher } = identity;
  return { pid, rank, launcher, step, mapping: sharedMappingIn(maps), maps, job: env.HWLOC_SHARE_JOB };
}

/**
 * Finds the ranks. The children of a rank inherit its variables. The rank is the process that shares; if none
 * does, the first that runs something other than a shell; otherwise the first.
 */
function ranksAmong(candidates: readonly Candidate[]): readonly RunningRank[] {
  const ranks = new Map<number, Candidate>();
  const worth = ({ mapping, pid }: Candidate) =>
    mapping !== undefined ? 2 : /^\S*\/?(ba|da|z|k)?sh( |$)/.test(commandOf(pid)) ? 0 : 1;
  for (const candidate of candidates) {
    const known = ranks.get(candidate.rank);
    if (known === undefined || worth(candidate) > worth(known)) ranks.set(candidate.rank, candidate);
  }
  return [...ranks.values()].sort((a, b) => a.rank - b.rank);
}

/** The topology that a process has adopted; undefined if it has none. */
export function sharedMappingIn(maps: string): SharedMapping | undefined {
  // Most processes have none. Then their maps need not be parsed.
  if (!/\/hwloc-share-\d+\/[^/\n]+\/topology\.\d+/.test(maps)) return undefined;
  for (const { start, end, permissions, path } of parseMaps(maps)) {
    const file = path.replace(/ \(deleted\)$/, '');
    if (permissions[3] !== 's' || !/\/hwloc-share-\d+\/[^/]+\/topology\.\d+$/.test(file)) continue;
    return { file, address: start, length: end - start };
  }
  return undefined;
}
