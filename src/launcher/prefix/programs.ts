// Where each program of a launcher's command line begins (`-n 1 a : -n 2 b` has two), and how to put another program in front of it.

import type { Launch } from '../kinds/index.js';

/** How to have each rank's program started by another one, under one kind of launcher. */
export interface PrefixRules {
  /**
   * Puts a command in front of each rank's program, which it gets as its arguments.
   *
   * @returns undefined where that would go wrong, or cannot be known to go right.
   */
  put(launch: Launch, prefix: readonly string[]): Launch | undefined;
  /** Whether the launcher itself, on the node where it is started, wants to know the machine from hwloc. */
  readonly usesHwloc?: true;
}

/** How many words follow an option as its values; undefined for one that is not known. */
export type ValuesOf = (option: string) => number | undefined;

/** What stands between two colons. */
export interface Program {
  /** Where its words begin. */
  readonly start: number;
  /** Its options, without their values. */
  readonly options: readonly string[];
  /** Where the program itself is: the end of the words if there is none. */
  readonly at: number;
}

/** @returns undefined where an option is not known, so that nobody can tell where a program begins. */
export function programsIn(args: readonly string[], valuesOf: ValuesOf): Program[] | undefined {
  const found: Program[] = [];
  for (let start = 0; ;) {
    const options: string[] = [];
    let at = start;
    while (args[at]?.startsWith('-') === true) {
      const option = args[at++] ?? '';
      if (option === '--') break;
      const values = valuesOf(option);
      if (values === undefined) return undefined;
      options.push(option);
      at += values;
    }
    found.push({ start, options, at: Math.min(at, args.length) });
    const colon = args.indexOf(':', at);
    if (colon === -1) return found;
    start = colon + 1;
  }
}

/** Words with others in front of each program. */
export function inFrontOf(
  programs: readonly Program[],
  args: readonly string[],
  prefix: readonly string[],
): string[] {
  const words = [...args];
  for (const { at } of [...programs].reverse()) {
    if (at < args.length) words.splice(at, 0, ...prefix);
  }
  return words;
}

/**
 * From names separated by spaces: those of options that take no value, one, two. They may have one dash or two, and their (first)
 * value in the same word, behind a `=`.
 */
export function optionTable(...names: readonly string[]): ValuesOf {
  const counts = new Map(
    names.flatMap((each, count) => each.split(' ').map((name): [string, number] => [name, count])),
  );
  return (option) => {
    const [, name = '', value] = /^--?([^=]+)(=.*)?$/s.exec(option) ?? [];
    const count = counts.get(name);
    return count === undefined || value === undefined ? count : Math.max(0, count - 1);
  };
}
