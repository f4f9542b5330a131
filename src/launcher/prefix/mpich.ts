// MPICH's mpiexec, Hydra. Options: `mpiexec.hydra -help` of MPICH 4.0, 4.2 and 5.0, and older names that it does not show.

import { type PrefixRules, inFrontOf, optionTable, programsIn } from './programs.js';

const none =
  'genvall genvnone envall envnone enable-x disable-x verbose v info print-all-exitcodes profile prepend-rank l ' +
  'enable-auto-cleanup disable-auto-cleanup dac enable-hostname-propagation disable-hostname-propagation hybrid-hosts ' +
  'pmi-port skip-launch-node';
const one =
  'genvlist f hostfile machinefile machine machines machinelist host hosts hostlist wdir wd envlist n np launcher ' +
  'launcher-exec bootstrap bootstrap-exec rmk topolib bind-to map-by membind demux iface ppn output-from ' +
  'prepend-pattern outfile-pattern outfile errfile-pattern errfile nameserver order-nodes localhost usize gpus-per-proc ' +
  'rankmap memory-alloc-kinds';
const two = 'genv env';

/** `-configfile` is left out, since the file that it names has further options and programs. */
export const hydraOptionNames = [none, one, two] as const;
export const hydraOptions = optionTable(...hydraOptionNames);

export const mpich: PrefixRules = {
  put({ args, env }, prefix) {
    const programs = programsIn(args, hydraOptions);
    return programs && { args: inFrontOf(programs, args, prefix), env };
  },
  // In MPICH 4.2 and later, Hydra's proxy discovers the machine for all ranks of its node, and passes the
  // topology to MPI_Init().
  usesHwloc: true,
};
