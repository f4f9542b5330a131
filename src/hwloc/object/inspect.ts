// Describes objects as text for people.

import type { BridgeAttributes } from './attributes.js';
import type { TopologyObject } from './kinds.js';
import { isCache } from './types.js';

/** `Core L#3 (P#5)`, `PCIDev L#0 0000:04:00.1`, `OSDev L#1 "eth0"`: with the type as hwloc-share/hwloc calls it. */
function nameOf(object: TopologyObject): string {
  const type = object.type === 'Unknown' ? `Unknown type ${object.typeNumber}` : object.type;
  const parts = [`${type} L#${object.logicalIndex}`];
  if (object.type === 'PCIDev') parts.push(object.attributes.busId);
  else if (object.osIndex !== undefined && object.type !== 'Machine') parts.push(`(P#${object.osIndex})`);
  if (object.name !== undefined) parts.push(JSON.stringify(object.name));
  return parts.join(' ');
}

/** The type, name and most important fields of an object, on one line. */
export function describe(object: TopologyObject): string {
  const facts: string[] = [];
  if (object.subtype !== undefined) facts.push(object.subtype);
  facts.push(...attributeFacts(object));
  if (object.cpuset !== undefined) facts.push(`cpuset ${object.cpuset.toListString() || 'empty'}`);
  if (object.nodeset !== undefined) facts.push(`nodeset ${object.nodeset.toListString() || 'empty'}`);
  const children = object.arity + object.memoryArity + object.ioArity + object.miscArity;
  if (children > 0) facts.push(children === 1 ? '1 child' : `${children} children`);
  return `<${nameOf(object)}: ${facts.join(', ')}>`;
}

function attributeFacts(object: TopologyObject): string[] {
  if (object.type === 'NUMANode') return [bytes(object.attributes.localMemory)];
  if (isCache(object.type) || object.type === 'MemCache') {
    const { size, associativity } = object.attributes as { size: number; associativity?: number | 'full' };
    const ways =
      associativity === undefined
        ? []
        : [associativity === 'full' ? 'fully associative' : `${associativity} ways`];
    return [bytes(size), ...ways];
  }
  if (object.type === 'Machine') return [bytes(object.totalMemory)];
  if (object.type === 'PCIDev') {
    const { classId, vendorId, deviceId } = object.attributes;
    return [`class ${hex(classId)}`, `${hex(vendorId)}:${hex(deviceId)}`];
  }
  if (object.type === 'OSDev') return [...object.attributes.types];
  return object.type === 'Bridge' ? [bridge(object.attributes)] : [];
}

function bridge({ upstream, downstream }: BridgeAttributes): string {
  const from = upstream.type === 'PCI' ? `PCI ${upstream.busId}` : 'Host';
  const buses = [downstream.secondaryBus, downstream.subordinateBus].map((bus) =>
    bus.toString(16).padStart(2, '0'),
  );
  return `${from} to PCI ${hex(downstream.domain)}:[${buses.join('-')}]`;
}

function hex(value: number): string {
  return value.toString(16).padStart(4, '0');
}

/** `32 KiB`, with at most one decimal place. */
export function bytes(count: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'];
  const power = count === 0 ? 0 : Math.min(Math.floor(Math.log2(count) / 10), units.length - 1);
  const value = count / 2 ** (10 * power);
  return `${Number.isInteger(value) ? value : value.toFixed(1)} ${units[power] ?? ''}`;
}
