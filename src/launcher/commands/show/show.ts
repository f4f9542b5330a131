// Shows a topology in the requested form.

import { environment, settingsFrom } from '../../../environment/index.js';
import { type Topology, libhwloc } from '../../../hwloc/index.js';
import { formatAddress } from '../../../maps/index.js';
import { CommandError, UsageError } from '../../errors.js';
import type { Given } from '../../command-line/parse-options.js';
import type { Call } from '../command.js';
import { paintForStdout, bytes } from '../text.js';
import { type RunningJob, type SharedMapping, findJob } from '../running/jobs.js';
import { cpusOf } from '../running/processes.js';
import type { showOptions } from '../show.js';
import { type InputFormat, loadInput, loadMachine } from './input.js';
import { type Bound, boundTo, isUnbound, joinNames, marksFor } from './marks.js';
import { adoptFrom } from './shared.js';
import { treeOf } from './tree.js';

/** The topology to show. */
interface Shown {
  readonly topology: Topology;
  /** The job that shares the topology, if any. */
  readonly job?: RunningJob;
  readonly mapping?: SharedMapping;
}

type ShowCall = Call<typeof showOptions>;

/** @returns the exit status. */
export async function show(call: ShowCall): Promise<number> {
  const { given } = call;
  // The first call decides which libhwloc this process uses.
  chooseLibrary(call);
  const pid = pidFrom(given);
  const shown = await open(call);
  try {
    if (given.picture !== undefined) {
      const { drawPicture } = await import('./picture.js');
      await drawPicture(shown.topology, given.picture, {
        force: given.force === true,
        bound: pid ?? process.pid,
      });
    } else process.stdout.write(`${textOf(shown, pid, call)}\n`);
  } finally {
    shown.topology.close();
  }
  return 0;
}

/**
 * Loads libhwloc. Another libhwloc than the requested one may show something else, so the user is told, as in
 * a rank.
 */
function chooseLibrary({ options, complain }: ShowCall): void {
  const asked = options.libhwloc ?? settingsFrom(environment()).libhwloc;
  const { file } = libhwloc(asked);
  if (asked === undefined || asked === file) return;
  const how = options.libhwloc === undefined ? `HWLOC_SHARE_LIBHWLOC=${asked}` : `--libhwloc ${asked}`;
  complain(`${how} could not be loaded; using ${file}`);
}

async function open({ given, operands, options, complain }: ShowCall): Promise<Shown> {
  const inputs = [...(given.input === undefined ? [] : [given.input]), ...operands];
  if (inputs.length + (given.job === undefined ? 0 : 1) > 1) {
    throw new UsageError('show takes one topology: an input or a job');
  }
  if (given.job !== undefined) {
    const job = findJob(given.job);
    return { job, ...adoptFrom(job) };
  }
  const io = options.io ?? settingsFrom(environment()).io;
  const [input] = inputs;
  if (input === undefined) {
    const seconds = options.timeout ?? settingsFrom(environment()).timeout;
    return { topology: await loadMachine(io as 'important', { seconds }, complain) };
  }
  const format = given['input-format'] as InputFormat | undefined;
  return { topology: await loadInput(input, format, io as 'important') };
}

function pidFrom({ pid }: Given<typeof showOptions>): number | undefined {
  if (pid === undefined) return undefined;
  if (!/^\d+$/.test(pid)) throw new UsageError(`--pid takes the number of a process, not ${pid}`);
  if (cpusOf(Number(pid)) !== undefined) return Number(pid);
  throw new CommandError(`--pid ${pid}: no such process`);
}

function textOf(shown: Shown, pid: number | undefined, { given, options }: ShowCall): string {
  const { topology } = shown;
  switch (given.format) {
    case 'json':
      return JSON.stringify(topology, undefined, 2);
    case 'xml':
      return topology.exportXml().trimEnd();
    case 'synthetic':
      return topology.exportSynthetic();
    default: {
      const paint = paintForStdout();
      const bound = topology.isThisSystem ? boundHere(shown, pid) : [];
      const marks = marksFor(topology, bound);
      const tree = treeOf(topology, {
        ...{ paint, marks },
        ...{ cpuset: given.cpuset === true, verbose: options.verbose === true },
      });
      const remarks = [...remarkOn(shown), ...remarksOn(topology, bound)].map((line) => paint(line, 'dim'));
      return [...tree, ...(remarks.length === 0 ? [] : ['', ...remarks])].join('\n');
    }
  }
}

/** The processes whose binding is marked: the ranks of a job, a given process, or otherwise this process. */
function boundHere({ job }: Shown, pid: number | undefined): Bound[] {
  const named =
    job !== undefined && pid === undefined
      ? job.ranks.map((rank) => ({ name: `rank ${rank.rank}`, pid: rank.pid }))
      : [pid === undefined ? { name: 'this process', pid: process.pid } : { name: `pid ${pid}`, pid }];
  return named.flatMap(({ name, pid }) => {
    const cpus = cpusOf(pid);
    return cpus === undefined ? [] : [boundTo(name, cpus)];
  });
}

/** Processes that are not bound have no mark. They are named below the tree. */
function remarksOn(topology: Topology, bound: readonly Bound[]): string[] {
  const free = bound.filter((each) => isUnbound(topology, each)).map(({ name }) => name);
  if (free.length === 0) return [];
  return [`${joinNames(free)}: not bound, may run anywhere`];
}

function remarkOn({ job, mapping }: Shown): string[] {
  if (job === undefined || mapping === undefined) return [];
  const sharing = job.ranks.filter((rank) => rank.mapping !== undefined).length;
  return [
    `shared by ${sharing} of ${job.ranks.length} ranks of ${job.name} at ${formatAddress(mapping.address)}, ${bytes(mapping.length)}`,
  ];
}
