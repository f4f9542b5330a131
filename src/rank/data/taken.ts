// What comes with a topology: the leader's data, and word to programs that this rank starts.

import type { Plan } from '../../channel/index.js';
import { tellChildren } from '../../environment/index.js';
import type { Context } from '../context.js';
import { NotSharedError } from '../errors.js';
import { messageOf } from '../../errors/index.js';
import type { Shared } from './open.js';

/**
 * Maps the data that the leader has put in front of the topology in the file of a plan.
 *
 * @returns undefined where there is none, or where it cannot be mapped, which is said on stderr.
 * @throws NotSharedError  if it cannot be mapped, and the fallback is turned off.
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

// Three variables by which a program that uses neither us nor PMIx may find the topology: `PMIX_HWLOC_SHMEM_FILE`, `_ADDR`, `_SIZE`,
// decimal, as the FAQ of OpenPMIx tells authors of libraries to read them (support/faq/avoid-hwloc-dup.md). It adopts from the file's
// beginning.
//
// OpenPMIx set them for some weeks in 2021 (pull requests 2041 and 2165); PMIx libraries of today ask their server for keys of the same
// names, which nobody but that can answer. So this is for programs whose authors have followed the FAQ. In this process itself, the address is taken as
// long as the session lasts.

/** Tells this rank's children where the topology of an adopted plan is, if they are to know, and can find it by that. */
export function tellChildrenOf(context: Context, file: string, { offset, at, bytes }: Plan): void {
  if (!context.settings.xmlfile || offset !== 0) return;
  tellChildren({
    PMIX_HWLOC_SHMEM_FILE: file,
    PMIX_HWLOC_SHMEM_ADDR: String(at),
    PMIX_HWLOC_SHMEM_SIZE: String(bytes),
  });
}
