// Tests of a real launcher: run where it is installed, skipped with a reason where not, failed where not under CI.
import { describe, test } from 'vitest';
import { findCommand } from '../support/commands.js';
import { type LauncherName, launcherPrograms } from '../support/jobs.js';
import { clusterPrograms } from './cluster.js';

export interface Launcher {
  name: LauncherName;
  /** Why its tests cannot run here; `undefined` where they can. */
  missing: string | undefined;
  /** vitest's `describe`, for tests that start this launcher. */
  describe(title: string, tests: () => void): void;
}

/** A real launcher, as far as it is installed here. */
export function launcher(name: LauncherName): Launcher {
  return { name, ...availability(name, notInstalled(launcherPrograms[name])) };
}

/** Tests of what other languages do, as far as their compilers and interpreters are installed here. */
export function languages(...programs: string[]): Omit<Launcher, 'name'> {
  return availability(programs.join(' and '), notInstalled(programs));
}

/** Several hosts with real launchers on them: for root only, on any machine. */
export function onCluster(...names: LauncherName[]): Omit<Launcher, 'name'> {
  const programs = [...clusterPrograms, ...names.flatMap((name) => launcherPrograms[name])];
  const missing = process.getuid?.() === 0 ? notInstalled(programs) : 'making hosts takes root';
  return availability('a cluster', missing, process.getuid?.() === 0);
}

function notInstalled(programs: readonly string[]): string | undefined {
  const absent = programs.filter((program) => findCommand(program) === undefined);
  return absent.length === 0
    ? undefined
    : `${absent.join(', ')} not installed; npm test installs it where it may`;
}

/** @param must  Whether under CI it has to be there. */
function availability(name: string, missing: string | undefined, must = true): Omit<Launcher, 'name'> {
  return {
    missing,
    describe(title, tests) {
      if (missing === undefined) describe(title, tests);
      else if (process.env.CI !== 'true' || !must) describe.skip(`${title} [skipped: ${missing}]`, tests);
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
