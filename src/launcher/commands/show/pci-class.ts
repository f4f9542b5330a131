// What a PCI device is, by its class code: PCI Code and ID Assignment Specification.

const base: Readonly<Record<number, string>> = {
  0x00: 'Other',
  0x01: 'Storage',
  0x02: 'Network',
  0x03: 'Display',
  0x04: 'Multimedia',
  0x05: 'Memory',
  0x06: 'Bridge',
  0x07: 'Communication',
  0x08: 'System',
  0x09: 'Input',
  0x0a: 'Docking',
  0x0b: 'Processor',
  0x0c: 'Serial',
  0x0d: 'Wireless',
  0x0e: 'Intelligent I/O',
  0x0f: 'Satellite',
  0x10: 'Encryption',
  0x11: 'Signal processing',
  0x12: 'Accelerator',
};

/** Where the subclass says more. */
const exact: Readonly<Record<number, string>> = {
  0x0100: 'SCSI',
  0x0101: 'IDE',
  0x0104: 'RAID',
  0x0106: 'SATA',
  0x0107: 'SAS',
  0x0108: 'NVM',
  0x0200: 'Ethernet',
  0x0207: 'InfiniBand',
  0x0208: 'Fabric',
  0x0300: 'VGA',
  0x0302: '3D',
  0x0502: 'CXL memory',
  0x0600: 'Host bridge',
  0x0604: 'PCI bridge',
  0x0c03: 'USB',
  0x0c04: 'Fibre channel',
  0x0c06: 'InfiniBand',
};

/** @param classId  Class and subclass, as in hwloc's attributes: 0x0200. */
export function pciClass(classId: number): string {
  return exact[classId] ?? base[classId >> 8] ?? `class ${classId.toString(16).padStart(4, '0')}`;
}
