// Finds where each program of a launcher's command line begins (`-n 1 a : -n 2 b` has two), and puts another
// program in front of each.

import type { Launch } from '../kinds/index.js';

/** How to start each rank's program through another program, for one launcher kind. */
export interface PrefixRules {
  /**
   * Puts a command in front of each rank's program. The command gets the program and its arguments as its own
   * arguments.
   *
   * @returns undefined if that would go wrong, or might.
   */
  put(launch: Launch, prefix: readonly string[]): Launch | undefined;
  /** Whether the launcher itself asks hwloc for the topology of the node where it runs. */
  readonly usesHwloc?: true;
}

/** How many of the words after an option are its values; undefined for an unknown option. */
export type ValuesOf = (option: string) => number | undefined;

/** The words between two colons. */
export interface Program {
  /** Where its words begin. */
  readonly start: number;
  /** Its options, without their values. */
  readonly options: readonly string[];
  /** The index of the program itself: the end of the words if there is none. */
  readonly at: number;
}

/** @returns undefined for an unknown option: then it is not known where a program begins. */
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

/** Puts words in front of each program. */
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
 * Makes a table from names separated by spaces: first the options without a value, then those with one value,
 * then with two. Options may begin with one dash or two, and may have their (first) value in the same word,
 * after a `=`.
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
