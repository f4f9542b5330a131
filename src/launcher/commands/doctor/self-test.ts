// The self-test: runs a real job of two ranks under the built-in launcher, and reports how it went.

import { execa } from 'execa';
import { environment } from '../../../environment/index.js';
import { formatAddress } from '../../../maps/index.js';
import type { Options } from '../../command-line/options.js';
import type { Finding } from './finding.js';

/** Longer than the longest discovery that was reported. */
const patience = 60_000;

/**
 * The program of a rank. Node gets it as a text, so that it imports the package from where it is installed,
 * not from the user's working directory.
 */
const rank = `
const { join } = await import(process.argv[1]);
const started = performance.now();
const session = await join();
const joined = performance.now() - started;
process.stdout.write(JSON.stringify({ rank: session.rank, outcome: session.outcome, joined }) + '\\n');
await session.close();
`;

/** Environment variables. */
type Variables = Readonly<Record<string, string>>;

/** The output of a rank. */
interface Told {
  readonly rank: number;
  readonly joined: number;
  readonly outcome: {
    readonly how: string;
    readonly reason?: string;
    readonly address?: number;
    readonly length?: number;
  };
}

/** For a machine where the ranks of the self-test would wait for hwloc too. */
export const noSelfTest: Finding = {
  subject: 'self-test',
  level: 'problem',
  text: 'two ranks do not share: hwloc does not discover this machine; not tried',
};

/**
 * @param command  The file of hwloc-share.
 * @param options  The options, as for the user's own jobs.
 * @param variables  Variables that keep hwloc from hanging; empty if it does not hang.
 */
export async function selfTest(command: string, options: Options, variables: Variables): Promise<Finding> {
  const subject = 'self-test';
  const { stdout, stderr, failure } = await runRanks(command, options, variables);
  const told = stdout
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line) as Told)
    .sort((a, b) => a.rank - b.rank);
  const facts = { ranks: told, stderr };
  const [first] = told;
  if (told.length === 2 && told.every(({ outcome }) => outcome.how === 'adopted') && first !== undefined) {
    const { address = 0, length = 0 } = first.outcome;
    const joined = Math.max(...told.map((each) => each.joined)).toFixed(0);
    const text = `two ranks share ${length / 1024} KiB at ${formatAddress(address)}, joined in ${joined} ms${withVariables(variables)}`;
    return { subject, level: 'ok', text, facts };
  }
  const reasons = told.map(({ rank, outcome }) => `rank ${rank}: ${outcome.reason ?? outcome.how}`);
  const said = stderr
    .split('\n')
    .filter((line) => line.includes('hwloc-share: ') || /^\w*Error\b/.test(line))
    .map((line) => line.replace('hwloc-share: ', ''));
  const why = [...(reasons.length > 0 ? reasons : said), failure ?? []].flat();
  return {
    subject,
    level: 'problem',
    text: `two ranks do not share: ${[...new Set(why)].join('; ')}`,
    facts,
  };
}

function withVariables(variables: Variables): string {
  const set = Object.entries(variables).map(([name, value]) => `${name}=${value}`);
  return set.length === 0 ? '' : ` (with ${set.join(' ')})`;
}

interface Ran {
  readonly stdout: string;
  readonly stderr: string;
  readonly failure: string | undefined;
}

async function runRanks(command: string, options: Options, variables: Variables): Promise<Ran> {
  const entry = import.meta.resolve('hwloc-share/rank');
  const program = [process.execPath, '--input-type=module', '-e', rank, entry];
  const words = [command, ...wordsOf(options), 'local', '-n', '2', ...program];
  // A rank that fails tells less than a rank that takes the fallback.
  const strictness = { HWLOC_SHARE_STRICT: undefined, HWLOC_SHARE_VERBOSE: undefined };
  const { stdout, stderr, failed, timedOut, exitCode, signal } = await execa(process.execPath, words, {
    env: { ...environment(), ...strictness, ...variables },
    extendEnv: false,
    timeout: patience,
    reject: false,
  });
  const failure = timedOut
    ? `not done within ${patience / 1000} s`
    : `the job ended with status ${exitCode ?? String(signal)}`;
  return { stdout, stderr, failure: failed ? failure : undefined };
}

/** The wrapper's options as words of a command line. */
function wordsOf({ dir, timeout, io, hole, libhwloc }: Options): string[] {
  const given = { dir, timeout, io, hole, libhwloc };
  return Object.entries(given).flatMap(([name, value]) =>
    value === undefined ? [] : [`--${name}=${value}`],
  );
}
