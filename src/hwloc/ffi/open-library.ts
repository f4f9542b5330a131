// Opening a shared library with koffi, set up as this binding needs it.

import { type LibraryHandle, koffi } from './koffi.js';

/** The version of koffi. @throws KoffiNotLoadedError */
export function koffiVersion(): string {
  return koffi.version;
}

/**
 * Opens a shared library; `null` is the process itself, with all that Node has loaded already.
 *
 * @throws Error  of koffi, with dlerror()'s text
 */
export function openLibrary(file: string | null): LibraryHandle {
  // Plugins of libhwloc (OpenCL, CUDA, NVML, PCI) look for its functions among the global symbols: without, none of them loads.
  return koffi.load(file, { global: true });
}
