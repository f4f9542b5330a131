// srun. Options: srun(1) of Slurm 22.05, and `srun --help` of 24.11 and 26.05.

import { basename } from 'node:path';
import { isWithoutValue } from '../kinds/index.js';
import { type PrefixRules, inFrontOf, programsIn } from './programs.js';

/** Options with a value in the next word. src/launcher/kinds knows those without, for `--export`. */
const valued = new Set(
  (
    'accel-bind account acctg-freq bb bbf begin chdir cluster-constraint clusters comment constraint core-spec ' +
    'cores-per-socket cpu-bind cpu-freq cpus-per-gpu cpus-per-task deadline delay-boot dependency distribution epilog ' +
    'error exclude export extra-node-info gid gpu-bind gpu-freq gpus gpus-per-node gpus-per-socket gpus-per-task gres ' +
    'gres-flags het-group hint ignore-signals input job-name jobid licenses mail-type mail-user mcs-label mem mem-bind mem-per-cpu ' +
    'mem-per-gpu mincpus mpi msg-timeout network nodefile nodelist nodes ntasks ntasks-per-core ntasks-per-gpu ' +
    'ntasks-per-node ntasks-per-socket open-mode output partition power prefer priority profile prolog qos relative ' +
    'reservation signal slurmd-debug sockets-per-node switches task-epilog task-prolog thread-spec threads ' +
    'threads-per-core time time-min tmp tres-bind tres-per-task uid wait wckey'
  ).split(' '),
);
const valuedLetter = /^-[A-Za-z]*[ABCDFGJLMNSTWbcdeimnopqrtwx]$/;

/** Options that name, copy or start the program in another way. */
const elsewhere = /^--(multi-prog|bcast|container)/;

/**
 * How many of the words after an option of srun are its values; undefined for an option that may have a value
 * or not.
 */
export function srunOptions(option: string): number | undefined {
  if (elsewhere.test(option)) return undefined;
  if (isWithoutValue(option)) return 0;
  return valued.has(option.slice(2)) || valuedLetter.test(option) ? 1 : undefined;
}

export const slurm: PrefixRules = {
  put({ args, env }, prefix) {
    const programs = env.SLURM_BCAST === undefined ? programsIn(args, srunOptions) : undefined;
    if (programs === undefined) return undefined;
    const words = inFrontOf(programs, args, prefix);
    // A job without a given name gets the name of its program, which must not become sh.
    const isNamed = programs.some(({ options }) => options.some((option) => /^(-J|--job-n)/.test(option)));
    const program = args[programs[0]?.at ?? args.length];
    if (isNamed || program === undefined || env.SLURM_JOB_NAME !== undefined) return { args: words, env };
    return { args: [`--job-name=${basename(program)}`, ...words], env };
  },
};
