// Compares address spaces: what each contains, what is free in all, and the address that was chosen or would
// be chosen.

import {
  type HolePolicy,
  type Mapping,
  NoHoleError,
  type Range,
  type RangeSet,
  USER_SPACE,
  chooseHole,
  combine,
  formatPolicy,
  gaps,
  isWithin,
  occupiedFrom,
} from '../../../maps/index.js';
import { type KindName, kindsOf } from './kinds.js';

/** The address space of one process, as it was read. */
export interface Source {
  /** `rank 0`, `pid 4711`, or a file's name. */
  readonly name: string;
  readonly mappings: readonly Mapping[];
  /** The lines as read: in the format of /proc/<pid>/maps, or only ranges. */
  readonly lines: readonly string[];
}

/** Neighbouring mappings of one kind. */
export interface Run extends Range {
  readonly kind: KindName;
  /** The number of mapped bytes. */
  readonly bytes: number;
  /** The number of mappings. */
  readonly count: number;
  /** The files that are mapped. */
  readonly paths: readonly string[];
}

export interface Space {
  readonly name: string;
  /** In ascending order. */
  readonly runs: readonly Run[];
}

/** The common address of all processes. */
export interface Chosen extends Range {
  /** Its origin: `adopted` in these processes, `recorded`, or what `would` be chosen now. */
  readonly how: 'adopted' | 'recorded' | 'would';
  /** The number of processes in which it is mapped, if it is adopted. */
  readonly adopters: number;
}

export interface Comparison {
  readonly spaces: readonly Space[];
  /** Occupied in at least one process, without the chosen range. */
  readonly taken: RangeSet;
  /** Free in all processes, by ascending address. One of them contains the chosen range. */
  readonly holes: RangeSet;
  readonly chosen: Chosen | undefined;
  /** Why no address could be chosen. */
  readonly whyNot: string | undefined;
  readonly policy: string;
}

/** The parameters of a comparison. */
export interface Choice {
  readonly policy: HolePolicy;
  /** Bytes, a multiple of the page size. */
  readonly length: number;
  readonly pageSize: number;
  /** The address that was chosen before, if known. */
  readonly recorded: Range | undefined;
}

/** @throws RangeError  the policy's address or the length is not a multiple of the page size. */
export function compare(sources: readonly Source[], choice: Choice): Comparison {
  const spaces = sources.map(({ name, mappings }) => ({ name, runs: runsOf(mappings) }));
  const adopted = adoptedIn(spaces);
  const known = adopted ?? (choice.recorded && { ...choice.recorded, how: 'recorded' as const, adopters: 0 });
  // A range that is mapped because it was chosen was free before.
  const others = sources.map(({ mappings }) =>
    occupiedFrom(mappings.filter((mapping) => known === undefined || !isWithin(mapping, known))),
  );
  const occupied = combine(others);
  const common = { spaces, taken: occupied.ranges, holes: gaps(occupied.ranges, USER_SPACE) };
  const policy = formatPolicy(choice.policy);
  if (known !== undefined) return { ...common, chosen: known, whyNot: undefined, policy };
  try {
    const { length, pageSize } = choice;
    const start = chooseHole({ occupied, length, pageSize, policy: choice.policy });
    const chosen = { start, end: start + length, how: 'would' as const, adopters: 0 };
    return { ...common, chosen, whyNot: undefined, policy };
  } catch (error) {
    if (!(error instanceof NoHoleError)) throw error;
    return { ...common, chosen: undefined, whyNot: error.message, policy };
  }
}

/** Groups mappings of one kind that touch into runs. Small gaps between libraries belong to the run. */
function runsOf(mappings: readonly Mapping[]): Run[] {
  const sorted = [...mappings]
    .filter(({ start }) => start < USER_SPACE.end)
    .sort((a, b) => a.start - b.start);
  const kindOfEach = kindsOf(sorted);
  const runs: Run[] = [];
  sorted.forEach(({ start, end, path }, i) => {
    const kind = kindOfEach[i] ?? 'unknown';
    const last = runs.at(-1);
    const bytes = end - start;
    if (last?.kind === kind && start - last.end < smallGap) {
      const paths = path === '' || last.paths.includes(path) ? last.paths : [...last.paths, path];
      runs[runs.length - 1] = { ...last, end, bytes: last.bytes + bytes, count: last.count + 1, paths };
    } else runs.push({ kind, start, end, bytes, count: 1, paths: path === '' ? [] : [path] });
  });
  return runs;
}

/** 64 KiB: the gap that the linker leaves between the parts of a library. */
const smallGap = 0x1_0000;

/** The range at which most of the processes have a topology mapped. */
function adoptedIn(spaces: readonly Space[]): Chosen | undefined {
  const votes = new Map<string, Chosen>();
  for (const { runs } of spaces) {
    for (const { kind, start, end } of runs) {
      if (kind !== 'topology') continue;
      const key = `${start}-${end}`;
      votes.set(key, { start, end, how: 'adopted', adopters: (votes.get(key)?.adopters ?? 0) + 1 });
    }
  }
  return [...votes.values()].sort((a, b) => b.adopters - a.adopters)[0];
}
