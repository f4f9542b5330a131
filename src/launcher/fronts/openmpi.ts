// Open MPI's mpirun. Options: `mpirun --help full` of 4.1.4; those for display, output and the parameters of PRRTE and PMIx from the
// manual of version 5. (The parameter orte_fork_agent would do for all programs what is done here for each. But to other nodes it goes
// through a remote shell, unquoted.)

import { basename } from 'node:path';
import type { Front } from './front.js';
import { inFrontOf, optionTable, programsIn } from './programs.js';

const none =
  'allow-run-as-root bind-to-core bind-to-socket bycore bynode byslot continuous d debug-daemons debug-daemons-file ' +
  'debug-devel disable-recovery display-allocation display-devel-allocation display-devel-map display-diffable-map ' +
  'display-map display-topo do-not-launch do-not-resolve enable-instant-on-support enable-recovery fwd-mpirun-port ' +
  'get-stack-traces index-argv-by-rank leave-session-attached merge-stderr-to-stdout nolocal nooversubscribe noprefix ' +
  'novm output-proctable oversubscribe pernode q quiet report-bindings report-child-jobs-separately ' +
  'report-state-on-timeout show-progress tag-output timestamp-output use-hwthread-cpus use-regexp v verbose xml';
const one =
  'H N am bind-to c cartofile cf cpu-list cpu-set cpus-per-proc cpus-per-rank default-hostfile display host hostfile ' +
  'launch-agent machinefile map-by max-restarts max-vm-size n np npernode npersocket ompi-server output ' +
  'output-filename ppr prefix preload-files rank-by rankfile report-events report-pid report-uri rf runtime-options ' +
  'stdin timeout tune wd wdir x xml-file xterm';
const two = 'gmca gpmixmca gprtemca mca pmixmca prtemca';

/**
 * Not in it are those after which a program is found, or started, in a way of its own: `--app`, `--debug`, `--debugger`, `--tv`,
 * `--dvm`, `--hnp`, `--path`, `--personality`, `-s`, `--preload-binary`, `--set-cwd-to-session-dir`.
 */
export const mpirunOptions = optionTable(none, one, two);

export const openmpi: Front = {
  put({ args, env }, front) {
    const programs = programsIn(args, mpirunOptions);
    // To java, mpirun adds options of its own.
    if (programs?.some(({ at }) => basename(args[at] ?? '') === 'java') !== false) return undefined;
    return { args: inFrontOf(programs, args, front), env };
  },
  usesHwloc: true,
};
