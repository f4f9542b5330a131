// The peers in C, compiled for this run.

import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { findCommand } from '../../test/support/commands.js';

/** Paths of the compiled programs. */
export interface Peers {
  readonly floor: string;
  /** undefined without an mpicc of Open MPI. */
  readonly mpi: string | undefined;
}

/**
 * Compiles what can be compiled here.
 *
 * @param from  The folder of the sources. @param to  Where the programs go.
 * @param miss  Is told what is left out, and why.
 * @returns undefined without a C compiler or the headers of hwloc.
 */
export function compilePeers(from: string, to: string, miss: (text: string) => void): Peers | undefined {
  const compile = (compiler: string, name: string): string | undefined => {
    const command = findCommand(compiler);
    if (command === undefined) {
      miss(`peers/${name}.c: no ${compiler} here`);
      return undefined;
    }
    const program = join(to, name);
    try {
      const words = ['-O2', '-Wall', '-o', program, join(from, `${name}.c`), '-lhwloc'];
      execFileSync(command, words, { stdio: ['ignore', 'ignore', 'pipe'], encoding: 'utf8' });
      return program;
    } catch (error) {
      miss(`peers/${name}.c could not be compiled: ${String(error)}`);
      return undefined;
    }
  };
  const floor = compile('cc', 'floor');
  return floor === undefined ? undefined : { floor, mpi: compile('mpicc.openmpi', 'mpi') };
}
