// Open MPI's mpirun. Options: `mpirun --help full` of 4.1.4. The help of versions 5.0.7 and 6.0.0rc2 names
// few options; their values were found by trying, as test/launcher/prefix.test.ts does. (The parameter
// orte_fork_agent would do for all programs what is done here for each program. But it reaches other nodes
// through a remote shell, unquoted.)

import { basename } from 'node:path';
import { type PrefixRules, inFrontOf, optionTable, programsIn } from './programs.js';

const none =
  'allow-run-as-root bind-to-core bind-to-socket bycore bynode byslot continuous d debug-daemons debug-daemons-file ' +
  'debug-devel disable-recovery display-allocation display-comm display-comm-finalize display-devel-allocation ' +
  'display-devel-map display-diffable-map display-map do-not-launch do-not-resolve enable-instant-on-support ' +
  'enable-recovery fwd-environment fwd-mpirun-port get-stack-traces index-argv-by-rank leave-session-attached ' +
  'merge-stderr-to-stdout no-aggregate-help no-app-prefix nolocal nooversubscribe noprefix novm output-proctable ' +
  'oversubscribe pernode q quiet report-bindings report-child-jobs-separately report-state-on-timeout show-progress ' +
  'stop-in-app stop-in-init tag-output timestamp-output use-hwthread-cpus use-regexp v verbose xml';
const one =
  'H N am app-pmix-prefix bind-to c cartofile cf cpu-list cpu-set cpus-per-proc cpus-per-rank default-hostfile display ' +
  'forward-signals host hostfile initial-errhandler launch-agent machinefile map-by max-restarts max-vm-size ' +
  'memory-alloc-kinds n np npernode npersocket ompi-server output output-directory output-filename ppr prefix ' +
  'preload-files rank-by rankfile report-events report-pid report-uri rf runtime-options spawn-timeout stdin ' +
  'stream-buffering timeout tune unset-env wd wdir with-ft x xml-file xterm';
const two = 'append-env gmca gomca gpmixmca gprtemca mca omca pmixmca prepend-env prtemca';

/**
 * Left out are options after which a program is found or started in another way: `--app`, `--debug`,
 * `--debugger`, `--tv`, `--dvm`, `--hnp`, `--path`, `--personality`, `-s`, `--preload-binary`,
 * `--set-cwd-to-session-dir`. Also left out is `--display-topo`, which takes a value only from version 5 on.
 */
export const mpirunOptionNames = [none, one, two] as const;
export const mpirunOptions = optionTable(...mpirunOptionNames);

export const openmpi: PrefixRules = {
  put({ args, env }, prefix) {
    const programs = programsIn(args, mpirunOptions);
    // mpirun adds options of its own to a program with the name java.
    if (programs?.some(({ at }) => basename(args[at] ?? '') === 'java') !== false) return undefined;
    return { args: inFrontOf(programs, args, prefix), env };
  },
  usesHwloc: true,
};
