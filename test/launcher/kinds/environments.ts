// What launchers give to their ranks, and who such a rank is (environments.json): the same samples for ranks in Node, C and Python.
import { execFile } from 'node:child_process';
import { mkdirSync, readFileSync, realpathSync, symlinkSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect } from 'vitest';
import type { Environment } from '../../../src/environment/index.js';
import { temporaryFolder } from '../../support/temporary.js';

/** A sample. Environments are written as in a shell: `NAME=value NAME=value`. */
interface Written {
  about: string;
  /** Where its variables are documented, or set. */
  source: string;
  env: string;
  /** The processes above the rank, the nearest first. Where they are not given, they do not count. */
  above?: { command: string; env: string }[];
  /** Which of them names the step. */
  namedBy?: number;
  /** null: no rank, or one that takes itself to be alone. */
  who: {
    launcher: string;
    rank: number;
    /** null: not told; the next two, too. */
    size: number | null;
    localRank: number | null;
    localSize: number | null;
    /** HOST is the name of this host; PID and START are those of the process that names the step. */
    step: string;
    /** Where it is not this host's. */
    node?: string;
  } | null;
  /** How a complaint about the variables begins. */
  problem?: string;
}

export interface Sample extends Omit<Written, 'env' | 'above'> {
  env: Environment;
  above: { command: string; env: Environment }[];
}

export const samples: readonly Sample[] = (
  JSON.parse(readFileSync(join(import.meta.dirname, 'environments.json'), 'utf8')) as Written[]
).map(({ env, above = [], ...rest }) => ({
  ...rest,
  env: variables(env),
  above: above.map((process) => ({ command: process.command, env: variables(process.env) })),
}));

function variables(text: string): Environment {
  const env: Record<string, string> = {};
  for (const [, name = '', value = ''] of text.matchAll(/(\w+)=([^ ]*)/g)) env[name] = value;
  return env;
}

/** What a rank in any language says of itself. `step` is empty where nothing names it, `launcher` where there is none. */
export interface Told {
  launcher: string;
  rank: number;
  size: number | null;
  localRank: number | null;
  localSize: number | null;
  node: string;
  step: string;
  /** Whether the variables make no sense. */
  trouble: boolean;
}

/** Checks what a rank of a sample says. @param pids  Of the processes above it, as {@link runBelow} has them. */
export function expectToBe(
  told: Told | undefined,
  { about, who, problem, namedBy }: Sample,
  pids: readonly number[] = [],
): void {
  if (who === null) {
    const alone = { launcher: '', rank: 0, size: 1, localRank: 0, localSize: 1, node: hostname(), step: '' };
    expect(told, about).toEqual({ ...alone, trouble: problem !== undefined });
    return;
  }
  const { step, node = hostname(), ...numbers } = who;
  expect(told, about).toEqual({ ...numbers, node, trouble: false, step: told?.step });
  const named = step.replace('HOST', hostname()).replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
  const pid = namedBy === undefined ? '\\d+' : String(pids[namedBy]);
  expect(told?.step, about).toMatch(new RegExp(`^${named.replace('PID', pid).replace('START', '\\d+')}$`));
}

/**
 * Runs a command with the variables of a sample, below real processes with the names and the variables of those above it.
 *
 * The processes are shells under other names: the kernel takes a process's name from the file that it was started from.
 */
export async function runBelow(
  { env, above }: Pick<Sample, 'env' | 'above'>,
  command: readonly string[],
): Promise<{ stdout: string; pids: number[] }> {
  const folder = temporaryFolder();
  const started = (theirs: Environment, words: readonly string[]) => [
    '/usr/bin/env',
    '-i',
    ...Object.entries(theirs).map(([name, value = '']) => `${name}=${value}`),
    ...words,
  ];
  let words = started(env, command);
  for (const [i, process] of above.entries()) {
    const shell = join(folder, String(i), process.command);
    mkdirSync(join(folder, String(i)));
    symlinkSync(realpathSync('/bin/sh'), shell);
    words = started(process.env, [shell, '-c', 'echo $$ >&2; "$@"; exit $?', 'sh', ...words]);
  }
  const [file = '', ...args] = words;
  const { stdout, stderr } = await promisify(execFile)(file, args);
  const pids = stderr.split('\n').filter((line) => /^\d+$/.test(line));
  return { stdout, pids: pids.map(Number).reverse() };
}
