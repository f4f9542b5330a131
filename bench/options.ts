// The command line of the benchmark.

import { parseArgs } from 'node:util';

/** What was asked for. */
export interface Options {
  /** Benchmarks by name; none means all. */
  readonly names: readonly string[];
  /** The time that all of it may take. */
  readonly minutes: number;
  /** Runs of each case, whose median is given. */
  readonly runs: number;
  /** Inputs by name; none means each benchmark's own. */
  readonly inputs: readonly string[];
  /** Rank counts; none means each benchmark's own. */
  readonly ranks: readonly number[];
  /** Contenders by name; none means all. */
  readonly contenders: readonly string[];
  readonly json: string | undefined;
  readonly svg: string | undefined;
  /** The folder of recorded machines, if it is another than beside the project. */
  readonly machines: string | undefined;
  /** The folder of another hwloc-share, built, to measure instead of this one. */
  readonly package: string | undefined;
  /** The folder of yet another one, built, to compare it with. */
  readonly against: string | undefined;
  readonly help: boolean;
}

export const usage = `npm run bench -- [options] [names]

  --minutes N        the time that all of it may take (5); what does not fit is left out, and named
  --runs N           runs of each case, whose median is given (10)
  --quick            a few seconds' check that everything works; its figures mean nothing
  --input A,B        machines: this, a number of PUs of a synthetic one (2, 64, 512, 4096, 16384), the beginning of a
                     recorded machine's name, or the path of a .tar.bz2 of sysfs or of an .xml
  --ranks N,M        rank counts
  --contenders A,B   contenders of compare
  --json FILE        writes all figures there
  --svg DIR          writes plots there
  --machines DIR     recorded machines: sysfs/*.tar.bz2, xml/*.xml (../shared/machines)
  --package DIR      measures the built hwloc-share in another folder
  --against DIR      compares it, in compare, with the built hwloc-share in another folder
  --no-build         measures dist as it is
  --no-install       installs nothing: leaves out what needs Debian packages that are not there
`;

/** @throws Error  in words for the user. */
export function parseOptions(words: readonly string[]): Options {
  const { values, positionals } = parseArgs({
    args: [...words],
    allowPositionals: true,
    options: {
      minutes: { type: 'string' },
      runs: { type: 'string' },
      quick: { type: 'boolean' },
      input: { type: 'string' },
      ranks: { type: 'string' },
      contenders: { type: 'string' },
      json: { type: 'string' },
      svg: { type: 'string' },
      machines: { type: 'string' },
      package: { type: 'string' },
      against: { type: 'string' },
      // Of run.mjs, which has built and installed by now, or has not.
      'no-build': { type: 'boolean' },
      'no-install': { type: 'boolean' },
      help: { type: 'boolean', short: 'h' },
    },
  });
  const quick = values.quick === true;
  const list = (text: string | undefined, otherwise: readonly string[]) =>
    text?.split(',').filter((word) => word !== '') ?? otherwise;
  return {
    names: positionals,
    minutes: number('--minutes', values.minutes ?? '5'),
    runs: count('--runs', values.runs ?? (quick ? '2' : '10')),
    inputs: list(values.input, quick ? ['this'] : []),
    ranks: list(values.ranks, quick ? ['2'] : []).map((word) => count('--ranks', word)),
    contenders: list(values.contenders, []),
    json: values.json,
    svg: values.svg,
    machines: values.machines,
    package: values.package,
    against: values.against,
    help: values.help === true,
  };
}

function number(option: string, text: string): number {
  const value = Number(text);
  if (!(value > 0)) throw new Error(`${option} ${text}: a number above 0 is wanted`);
  return value;
}

function count(option: string, text: string): number {
  const value = number(option, text);
  if (!Number.isInteger(value)) throw new Error(`${option} ${text}: a whole number is wanted`);
  return value;
}
