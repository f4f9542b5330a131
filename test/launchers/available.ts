// Tests of a real launcher: run where it is installed, skipped with a reason where not, failed where not under CI.
import { describe, test } from 'vitest';
import { findCommand } from '../support/commands.js';
import { type LauncherName, launcherPrograms } from '../support/jobs.js';

export interface Launcher {
  name: LauncherName;
  /** Why its tests cannot run here; `undefined` where they can. */
  missing: string | undefined;
  /** vitest's `describe`, for tests that start this launcher. */
  describe(title: string, tests: () => void): void;
}

/** A real launcher, as far as it is installed here. */
export function launcher(name: LauncherName): Launcher {
  const absent = launcherPrograms[name].filter((program) => findCommand(program) === undefined);
  const missing =
    absent.length === 0 ? undefined : `${absent.join(', ')} not installed; npm test installs it where it may`;
  return {
    name,
    missing,
    describe(title, tests) {
      if (missing === undefined) describe(title, tests);
      else if (process.env.CI !== 'true') describe.skip(`${title} [skipped: ${missing}]`, tests);
      else {
        describe(title, () => {
          test(`${name} is installed`, () => {
            throw new Error(`CI=true, and ${missing}`);
          });
        });
      }
    },
  };
}
