// A real terminal, to type into: tmux, a server of its own for each.
import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll } from 'vitest';
import { ownerEnvironment } from '../support/owner.js';
import { temporaryFolder } from '../support/temporary.js';

export interface Terminal {
  /** Types keys, by tmux's names for them: `C-c`. */
  type(...keys: string[]): void;
  /** Types text, as it is. */
  typeText(text: string): void;
  /** Types a line, as it is. */
  enter(line: string): void;
  /** What is to be seen now, without what is blank at the ends of lines. */
  screen(): string;
  /** Closes the terminal, as when its window is closed or its connection is lost. */
  close(): void;
  /** The status of the command, as a shell gives it, once it has ended. */
  status(): Promise<number>;
}

const terminals: (() => void)[] = [];

afterAll(() => {
  for (const close of terminals) close();
});

/** A shell with job control, to type into. It has no status to be asked for. */
export function openShell(env: Record<string, string | undefined> = {}): Omit<Terminal, 'status'> {
  return openTerminal(['bash', '--norc', '--noprofile', '-i'], env);
}

/** Runs a command in the foreground of a new terminal. */
export function openTerminal(
  command: readonly string[],
  env: Record<string, string | undefined> = {},
): Terminal {
  const folder = temporaryFolder();
  const statusFile = join(folder, 'status');
  const script = join(folder, 'run.sh');
  const words = [...command].map((word) => `'${word.replaceAll("'", `'\\''`)}'`).join(' ');
  // The shell must outlive the keys, as an interactive one does; a trap is no matter to its children.
  writeFileSync(script, `trap : INT QUIT\n${words}\necho $? > '${statusFile}'\n`);
  const tmux = (...args: string[]) =>
    spawnSync('tmux', ['-f', '/dev/null', '-S', join(folder, 'socket'), ...args], {
      env: { ...process.env, TERM: 'xterm', ...env, ...ownerEnvironment, TMUX: undefined },
      timeout: 10_000,
    });
  terminals.push(() => void tmux('kill-server'));
  const { status, stderr } = tmux('new-session', '-d', '-x', '100', '-y', '30', `exec sh '${script}'`);
  if (status !== 0) throw new Error(`tmux did not start: ${stderr.toString()}`);
  return {
    type: (...keys) => void tmux('send-keys', ...keys),
    typeText: (text) => void tmux('send-keys', '-l', text),
    enter: (line) => void tmux('send-keys', '-l', `${line}\r`),
    screen: () => tmux('capture-pane', '-p').stdout.toString(),
    close: () => void tmux('kill-server'),
    status: async () => Number(await untilThere(statusFile, /^\d+\n$/)),
  };
}

/** What is in a file, as soon as it matches. */
export async function untilThere(file: string, pattern: RegExp, withinMs = 10_000): Promise<string> {
  const limit = performance.now() + withinMs;
  for (;;) {
    const text = contentOf(file);
    if (pattern.test(text)) return text;
    if (performance.now() > limit) throw new Error(`${file} after ${withinMs} ms: ${text}`);
    await sleep(10);
  }
}

/** What is in a file; nothing where there is none. */
export function contentOf(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}

/** What a command writes to a terminal until it ends, with all that is not to be seen. */
export async function onTerminal(
  command: readonly string[],
  env: Record<string, string | undefined> = {},
): Promise<string> {
  const file = join(temporaryFolder(), 'typescript');
  const words = command.map((word) => `'${word.replaceAll("'", `'\\''`)}'`).join(' ');
  const { status, stderr } = spawnSync('script', ['--quiet', '--return', '--command', words, file], {
    env: {
      ...process.env,
      TERM: 'xterm',
      NO_COLOR: undefined,
      FORCE_COLOR: undefined,
      // Node takes a terminal in CI for one without colours.
      CI: undefined,
      ...env,
      ...ownerEnvironment,
    },
    stdio: ['ignore', 'ignore', 'pipe'],
    timeout: 25_000,
  });
  if (status === null) throw new Error(`script did not end: ${stderr.toString()}`);
  return Promise.resolve(readFileSync(file, 'utf8'));
}
