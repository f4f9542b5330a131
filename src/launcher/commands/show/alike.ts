// PCI devices that are alike, such as the virtual functions of a network card: lstopo shows them in one line.

import type { Alike, PciDeviceObject, Topology } from '../../../hwloc/index.js';

/** Of each first device, those that it stands for; and the devices that another one stands for. */
export interface AlikeDevices {
  readonly firsts: ReadonlyMap<PciDeviceObject, Alike>;
  readonly others: ReadonlySet<PciDeviceObject>;
}

/** Devices next to each other, of one make and with nothing below, in the order of their level. */
export function alikeDevices(topology: Topology): AlikeDevices {
  const firsts = new Map<PciDeviceObject, Alike>();
  const others = new Set<PciDeviceObject>();
  let first: PciDeviceObject | undefined;
  for (const device of topology.objects('PCIDev')) {
    if (device.ioArity + device.miscArity > 0) {
      // As lstopo does it: a device with something below does not come between two others.
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
