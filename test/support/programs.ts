// Tests that need programs: run where these are installed, skipped with a reason where not, failed where not under CI.
import { existsSync } from 'node:fs';
import { type TestContext, type TestOptions, describe, test } from 'vitest';
import { findCommand } from './commands.js';

/** vitest's `describe` or `test`. */
interface Define<Body> {
  (title: string, body: Body): void;
  (title: string, options: TestOptions, body: Body): void;
}

export interface Installed {
  /** Why the tests cannot run here; `undefined` where they can. */
  missing: string | undefined;
  describe: Define<() => void>;
  test: Define<(context: TestContext) => void | Promise<void>>;
}

/** Tests that start these programs, or read these files, if given by an absolute path. Where one is missing, `npm test` could not install it (scripts/packages.json). */
export function installed(...programs: readonly string[]): Installed {
  return unlessMissing(whyNotInstalled(programs));
}

/** Tests that only root can run, with these programs. Skipped for other users, also under CI. */
export function rootOnly(...programs: readonly string[]): Installed {
  if (process.getuid?.() !== 0) return unlessMissing('only root can', false);
  return installed(...programs);
}

/** One line on what is not installed. */
export function whyNotInstalled(programs: readonly string[]): string | undefined {
  const absent = programs.filter((name) =>
    name.startsWith('/') ? !existsSync(name) : findCommand(name) === undefined,
  );
  if (absent.length === 0) return undefined;
  return `${absent.join(', ')} not installed; npm test installs it where it may`;
}

/** @param must  Whether something that is missing is an error under CI. */
export function unlessMissing(missing: string | undefined, must = true): Installed {
  if (missing === undefined) return { missing, describe, test };
  if (process.env.CI !== 'true' || !must) {
    const reason = ` [skipped: ${missing}]`;
    return {
      missing,
      describe: (title: string, ...rest: unknown[]) => {
        describe.skip(title + reason, rest.at(-1) as () => void);
      },
      test: (title: string) => {
        test.skip(title + reason);
      },
    };
  }
  const fail = (title: string): void => {
    test(title, () => {
      throw new Error(`CI=true, and ${missing}`);
    });
  };
  return { missing, describe: fail, test: fail };
}
