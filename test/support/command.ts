// Our own commands, as a user types them.
import { expect } from 'vitest';
import { withoutHwlocErrors } from './hwloc-errors.js';
import { type JobOptions, runJob } from './job.js';
import { wrapper } from './wrapper.js';

/** One command of ours. */
export interface OwnCommand {
  /** What it prints; it must succeed, and say nothing on stderr. */
  readonly prints: (words: readonly string[], options?: JobOptions) => Promise<string>;
  /** The line that it says when it cannot. */
  readonly refuses: (words: readonly string[], status: number, options?: JobOptions) => Promise<string>;
}

export function ownCommand(name: string): OwnCommand {
  return {
    async prints(words, options) {
      const { stdout, stderr, exitCode } = await runJob(wrapper(name, ...words), options);
      expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
      return stdout;
    },
    async refuses(words, status, options) {
      const { stdout, stderr, exitCode } = await runJob(wrapper(name, ...words), options);
      expect({ exitCode, stdout }, stderr).toEqual({ exitCode: status, stdout: '' });
      const line = withoutHwlocErrors(stderr);
      expect(line).toMatch(/^hwloc-share: [^\n]+\n$/);
      return line;
    },
  };
}
