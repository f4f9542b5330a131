// What a rank takes with a topology: the leader's data, and variables for programs that the rank starts.

import type { Plan } from '../../channel/index.js';
import { tellChildren } from '../../environment/index.js';
import type { Context } from '../context.js';
import { NotSharedError } from '../errors.js';
import { messageOf } from '../../errors/index.js';
import type { Shared } from './open.js';

/**
 * Maps the data that the leader has put before the topology in the file of a plan.
 *
 * @returns undefined if there is none, or if it cannot be mapped. Then a line on stderr says so.
 * @throws NotSharedError  if it cannot be mapped, and there is no fallback (`strict`).
 */
export async function takeData(context: Context, file: string, plan: Plan): Promise<Shared | undefined> {
  if (plan.offset === 0) return undefined;
  try {
    const { openShared } = await import('./open.js');
    return openShared(file, plan.offset);
  } catch (error) {
    const reason = `the leader's data cannot be mapped: ${messageOf(error)}`;
    if (context.settings.strict) throw new NotSharedError(reason, { cause: error });
    context.notice(reason);
    return undefined;
  }
}

// Three variables by which a program without hwloc-share and without PMIx can find the topology:
// `PMIX_HWLOC_SHMEM_FILE`, `_ADDR`, `_SIZE`, in decimal, as the FAQ of OpenPMIx tells authors of libraries
// (support/faq/avoid-hwloc-dup.md). The program adopts from the beginning of the file.
//
// OpenPMIx set these variables for some weeks in 2021 (pull requests 2041 and 2165). Current PMIx libraries
// ask their server for keys of the same names, which only the server can answer. So the variables are for
// programs that follow the FAQ. They are for other processes: in this process the address is occupied until
// the session ends.

/**
 * Tells this rank's children where the topology of an adopted plan is, if the job asks for that and the
 * variables can express it.
 */
export function tellChildrenOf(context: Context, file: string, { offset, at, bytes }: Plan): void {
  if (!context.settings.xmlfile || offset !== 0) return;
  tellChildren({
    PMIX_HWLOC_SHMEM_FILE: file,
    PMIX_HWLOC_SHMEM_ADDR: String(at),
    PMIX_HWLOC_SHMEM_SIZE: String(bytes),
  });
}
