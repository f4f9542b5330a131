// Describes objects in a few words, as in lstopo's textual output.

import { NotSupportedError } from '../errors.js';
import type { BridgeObject, OsDeviceObject, PciDeviceObject, TopologyObject } from './kinds.js';
import { isCache, pciClassName } from './types.js';

/** Several devices. The first of them is shown. */
export interface Alike {
  readonly count: number;
  readonly last: PciDeviceObject;
}

/**
 * `Package L#0`, `NUMANode L#0 (P#0 6746MB)`, `L3 L#1 (16MB)`, `PCI 04:00.1 (Ethernet)`, `Net "eth0"`.
 *
 * @param domains  Whether to show the domain of PCI devices. lstopo does if the machine has more than one.
 * @param alike    The PCI devices that a label stands for: `2 x { PCI(VF) 01:02.1-2 (Ethernet) }`.
 */
export function labelOf(object: TopologyObject, domains: boolean, alike?: Alike): string {
  switch (object.type) {
    case 'Machine':
      return `Machine${inParentheses(object.totalMemory > 0 ? `${memory(object.totalMemory)} total` : '')}`;
    case 'Bridge':
      return bridge(object);
    case 'PCIDev':
      return pciDevice(object, domains, alike);
    case 'OSDev':
      return osDevice(object);
    case 'Misc':
      return `${withSubtype('Misc', object)}${object.name === undefined ? '' : ` ${object.name}`}`;
    default:
      return `${withSubtype(typeName(object), object)} L#${object.logicalIndex}${inParentheses(facts(object))}`;
  }
}

function typeName(object: TopologyObject): string {
  if (isCache(object)) {
    const { depth, kind } = object.attributes;
    return `L${depth}${kind === 'unified' ? '' : kind.slice(0, 1)}`;
  }
  switch (object.type) {
    case 'Group':
      return `Group${object.attributes.depth}`;
    case 'Unknown':
      return `Type${object.typeNumber}`;
    default:
      return object.type;
  }
}

/** The text in parentheses: the OS index if it is unique, and sizes. */
function facts(object: TopologyObject): string {
  if (isCache(object) || object.type === 'MemCache') {
    return object.attributes.size > 0 ? memory(object.attributes.size) : '';
  }
  switch (object.type) {
    case 'PU':
      return index(object);
    case 'NUMANode': {
      const { localMemory } = object.attributes;
      return [index(object), localMemory > 0 ? memory(localMemory) : '']
        .filter((each) => each !== '')
        .join(' ');
    }
    default:
      return '';
  }
}

function index({ osIndex }: TopologyObject): string {
  return osIndex === undefined ? '' : `P#${osIndex}`;
}

function bridge({ attributes }: BridgeObject): string {
  return attributes.upstream.type === 'Host' ? 'HostBridge' : 'PCIBridge';
}

function pciDevice(device: PciDeviceObject, domains: boolean, alike: Alike | undefined): string {
  const { busId, classId } = device.attributes;
  const first = domains ? busId : busId.replace(/^[^:]*:/, '');
  const name = (range: string) => `${withSubtype('PCI', device)} ${first}${range} (${classOf(classId)})`;
  return alike === undefined ? name('') : `${alike.count} x { ${name(rangeTo(device, alike.last))} }`;
}

/**
 * The part of the last bus id that differs from the first: `-2` for functions of one device, `-03.0` for
 * several devices.
 */
function rangeTo(first: PciDeviceObject, last: PciDeviceObject): string {
  const [from, to] = [first.attributes, last.attributes];
  const common = from.bus === to.bus ? (from.device === to.device ? /^.*\./ : /^.*:/) : /^[^:]*:/;
  return `-${to.busId.replace(common, '')}`;
}

function classOf(classId: number): string {
  try {
    return pciClassName(classId);
  } catch (error) {
    if (error instanceof NotSupportedError) return `class ${classId.toString(16).padStart(4, '0')}`;
    throw error;
  }
}

function osDevice(object: OsDeviceObject): string {
  // lstopo's names.
  const names: Readonly<Record<string, string>> = { Network: 'Net' };
  const types = object.attributes.types.map((type) => names[type] ?? type).join('+') || 'OSDev';
  return `${withSubtype(types, object)}${object.name === undefined ? '' : ` "${object.name}"`}`;
}

function withSubtype(type: string, { subtype }: TopologyObject): string {
  return subtype === undefined ? type : `${type}(${subtype})`;
}

function inParentheses(text: string): string {
  return text === '' ? '' : ` (${text})`;
}

/** Bytes as lstopo writes them: at least two digits, rounded, in units of 1024. */
export function memory(bytes: number): string {
  const units = ['KB', 'MB', 'GB', 'TB'];
  let power = 0;
  while (power < units.length - 1 && bytes >= 10 * 1024 ** (power + 2)) power++;
  return `${Math.round(bytes / 1024 ** (power + 1))}${units[power] ?? ''}`;
}
