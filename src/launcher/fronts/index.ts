// The launchers under which something can be put in front of each rank's program, by the names of their kinds. Not in kinds, which
// ranks import: it is of use to the wrapper only, and to few.

import type { Front } from './front.js';
import { mpich } from './mpich.js';
import { openmpi } from './openmpi.js';
import { slurm } from './slurm.js';

export type { Front } from './front.js';
export const fronts: Readonly<Record<string, Front>> = { openmpi, mpich, slurm };
