// Tests of real launchers, on this machine and on several hosts: run where these are installed (see programs.ts).
import { type Installed, rootOnly, installed } from '../support/programs.js';
import { type LauncherName, launcherPrograms } from '../support/jobs.js';
import { clusterPrograms } from './cluster.js';

export interface Launcher extends Installed {
  name: LauncherName;
}

/** A real launcher, as far as it is installed here. */
export function launcher(name: LauncherName): Launcher {
  return { name, ...installed(...launcherPrograms[name]) };
}

/** Several hosts with real launchers on them: for root only, on any machine. */
export function onCluster(...names: LauncherName[]): Installed {
  return rootOnly(...clusterPrograms, ...names.flatMap((name) => launcherPrograms[name]));
}
