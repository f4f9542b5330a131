// Three variables by which a program that uses neither us nor PMIx may find the topology: `PMIX_HWLOC_SHMEM_FILE`, `_ADDR`, `_SIZE`,
// decimal, as the FAQ of OpenPMIx tells authors of libraries to read them (support/faq/avoid-hwloc-dup.md). It adopts from the file's
// beginning.
//
// OpenPMIx set them for some weeks in 2021 (pull requests 2041 and 2165); PMIx libraries of today ask their server for keys of the same
// names, which nobody but that can answer. So this is for programs whose authors have followed the FAQ. In this process itself, the address is taken as
// long as the session lasts.

import type { Plan } from '../../channel/index.js';
import { tellChildren } from '../../environment/index.js';

/** Tells the children of this process where the topology of a plan is, if they can find it by that. */
export function tellOfPlan(file: string, { offset, at, bytes }: Plan): void {
  if (offset !== 0) return;
  tellChildren({
    PMIX_HWLOC_SHMEM_FILE: file,
    PMIX_HWLOC_SHMEM_ADDR: String(at),
    PMIX_HWLOC_SHMEM_SIZE: String(bytes),
  });
}
