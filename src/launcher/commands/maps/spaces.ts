// Address spaces side by side: what is in each, what is free in all, and the address that was chosen or would be.

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

/** One process's address space, as it is read. */
export interface Source {
  /** `rank 0`, `pid 4711`, or a file's name. */
  readonly name: string;
  readonly mappings: readonly Mapping[];
  /** Lines in the format of /proc/<pid>/maps, or ranges alone, as they were read. */
  readonly lines: readonly string[];
}

/** Neighbouring mappings of one kind. */
export interface Run extends Range {
  readonly kind: KindName;
  /** Bytes that are mapped in it. */
  readonly bytes: number;
  /** How many mappings it is of. */
  readonly count: number;
  /** The files in it. */
  readonly paths: readonly string[];
}

export interface Space {
  readonly name: string;
  /** In ascending order. */
  readonly runs: readonly Run[];
}

/** The address that all have in common. */
export interface Chosen extends Range {
  /** How it was come by: `adopted` in these processes, `recorded`, or what `would` be chosen now. */
  readonly how: 'adopted' | 'recorded' | 'would';
  /** In how many of them it is mapped, if it is adopted. */
  readonly adopters: number;
}

export interface Comparison {
  readonly spaces: readonly Space[];
  /** Taken in at least one, the chosen range left out. */
  readonly taken: RangeSet;
  /** Free in all, by ascending address; the chosen range is in one of them. */
  readonly holes: RangeSet;
  readonly chosen: Chosen | undefined;
  /** Why nothing could be chosen. */
  readonly whyNot: string | undefined;
  readonly policy: string;
}

/** What is asked of the comparison. */
export interface Choice {
  readonly policy: HolePolicy;
  /** Bytes, a multiple of the page size. */
  readonly length: number;
  readonly pageSize: number;
  /** Where it was put, if that is known. */
  readonly recorded: Range | undefined;
}

/** @throws RangeError  the policy's address or the length is no multiple of the page size. */
export function compare(sources: readonly Source[], choice: Choice): Comparison {
  const spaces = sources.map(({ name, mappings }) => ({ name, runs: runsOf(mappings) }));
  const adopted = adoptedIn(spaces);
  const known = adopted ?? (choice.recorded && { ...choice.recorded, how: 'recorded' as const, adopters: 0 });
  // What is mapped because it was chosen was free when it was.
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

/** Mappings that touch, of one kind, make a run; small gaps between libraries are part of it. */
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

/** 64 KiB: what the linker leaves between the parts of a library. */
const smallGap = 0x1_0000;

/** The range at which the most of them have a topology mapped. */
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
