// The launchers for which a program can be put in front of each rank's program, by the names of their kinds.
// Not in src/launcher/kinds, which ranks import: only the wrapper needs this, and only with `--xmlfile`.

import type { PrefixRules } from './programs.js';
import { mpich } from './mpich.js';
import { openmpi } from './openmpi.js';
import { slurm } from './slurm.js';

export const prefixRules: Readonly<Record<string, PrefixRules>> = { openmpi, mpich, slurm };
