// Starts the doctor's checks as processes, and ends those that hang.

import { join } from 'node:path';
import { execa } from 'execa';
import pLimit from 'p-limit';
import { environment } from '../../../environment/index.js';
import type { Probes } from './probe.js';

/** Seconds for a check that has nothing to compute. */
export const quickly = 5;

/** How many checks run at once: they are short, and the machine may be busy. */
export const limited = pLimit(4);

// In the bundle, next to this file.
const file = join(import.meta.dirname, 'probe.mjs');

/** The outcome of a check. */
export interface Looked<Result> {
  /** Undefined if the check hung, or died. */
  readonly result: Result | undefined;
  /** Why there is no result: `no answer within 5 s`. */
  readonly why: string;
}

/** Options of a check. */
export interface ProbeOptions {
  /** How long it may take. */
  readonly seconds?: number;
  /** Changes to its environment. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** Called with findings while the check runs. */
  readonly tell?: (value: unknown) => void;
}

/** Runs a check. Never fails, and never takes longer than allowed. */
export function look<Name extends keyof Probes>(
  name: Name,
  argument: Parameters<Probes[Name]>[0],
  { seconds = quickly, env = {}, tell = () => undefined }: ProbeOptions = {},
): Promise<Looked<Awaited<ReturnType<Probes[Name]>>>> {
  return limited(async () => {
    const child = execa(process.execPath, [file, name, JSON.stringify(argument ?? null)], {
      // NODE_OPTIONS could make the process join a job, for example.
      env: { ...environment(), NODE_OPTIONS: undefined, ...env },
      extendEnv: false,
      stdin: 'ignore',
      timeout: seconds * 1000,
      killSignal: 'SIGKILL',
      reject: false,
    });
    let result: Awaited<ReturnType<Probes[Name]>> | undefined;
    for await (const line of child) {
      // Libraries may print something too.
      const value = line.startsWith('{') ? (JSON.parse(line) as object) : {};
      if ('result' in value) result = value.result as typeof result;
      else tell(value);
    }
    const { stderr, timedOut, signal, exitCode, originalMessage } = await child;
    const status =
      exitCode === undefined
        ? `it cannot be started: ${originalMessage}`
        : `it ended with status ${exitCode}`;
    const end = signal === undefined ? status : `${signal} ended it`;
    const said = stderr
      .trim()
      .split('\n')
      .findLast((line) => /\w/.test(line));
    const why = timedOut ? `no answer within ${seconds} s` : `${end}${said === undefined ? '' : `: ${said}`}`;
    return { result, why };
  });
}
