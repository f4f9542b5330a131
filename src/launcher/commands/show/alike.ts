// Groups PCI devices that are alike, such as the virtual functions of a network card. lstopo shows them on
// one line.

import type { Alike, PciDeviceObject, Topology } from '../../../hwloc/index.js';

/** For each first device, the devices that it stands for; and the devices that are not shown themselves. */
export interface AlikeDevices {
  readonly firsts: ReadonlyMap<PciDeviceObject, Alike>;
  readonly others: ReadonlySet<PciDeviceObject>;
}

/**
 * Groups devices next to each other, of the same make and without objects below, in the order of their level.
 */
export function alikeDevices(topology: Topology): AlikeDevices {
  const firsts = new Map<PciDeviceObject, Alike>();
  const others = new Set<PciDeviceObject>();
  let first: PciDeviceObject | undefined;
  for (const device of topology.objects('PCIDev')) {
    if (device.ioArity + device.miscArity > 0) {
      // As in lstopo, a device with objects below does not separate two others.
      if (first !== undefined && firsts.has(first)) first = undefined;
    } else if (first !== undefined && areAlike(first, device)) {
      firsts.set(first, { count: (firsts.get(first)?.count ?? 1) + 1, last: device });
      others.add(device);
    } else {
      first = device;
    }
  }
  return { firsts, others };
}

function areAlike(one: PciDeviceObject, other: PciDeviceObject): boolean {
  const [a, b] = [one.attributes, other.attributes];
  return (
    one.parent === other.parent &&
    a.vendorId === b.vendorId &&
    a.deviceId === b.deviceId &&
    a.subvendorId === b.subvendorId &&
    a.subdeviceId === b.subdeviceId
  );
}
