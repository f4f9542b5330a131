// What a PCI device is, in the words of libhwloc.

import { check, wholeWithin } from '../../check/index.js';
import { libhwloc } from '../ffi/library.js';

/**
 * What a PCI device is, by its class, as lstopo calls it: `Ethernet` for 0x0200.
 *
 * @param classId  Class and subclass, as in {@link PciAttributes}.
 * @returns `Other` for a class that libhwloc does not know.
 * @throws NotSupportedError  this libhwloc does not have the function, which no public header declares
 * @see hwloc_pci_class_string()
 */
export function pciClassName(classId: number): string {
  check('classId', classId, wholeWithin(0, 0xffff));
  return String(libhwloc().native('hwloc_pci_class_string')(classId));
}
