// Opening a shared library with koffi, set up as this binding needs it.

import { type LibraryHandle, koffi } from './koffi.js';

/** The version of koffi. @throws KoffiNotLoadedError */
export function koffiVersion(): string {
  return koffi.version;
}

let configured = false;

/**
 * Opens a shared library; `null` is the process itself, with all that Node has loaded already.
 *
 * @throws Error  of koffi, with dlerror()'s text
 */
export function openLibrary(file: string | null): LibraryHandle {
  if (!configured) configure();
  configured = true;
  // Plugins of libhwloc (OpenCL, CUDA, NVML, PCI) look for its functions among the global symbols: without, none of them loads.
  return koffi.load(file, { global: true });
}

/** koffi runs an asynchronous call on a stack of 128 KiB; a discovery with plugins is used to the 8 MiB of a thread. */
function configure(): void {
  try {
    koffi.config({ async_stack_size: 4 << 20 });
  } catch {
    // The job itself loaded a library with koffi before us: the sizes are settled, and its own.
  }
}
