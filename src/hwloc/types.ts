// hwloc's object types by name, and their numbers in each ABI.

/** The types of objects, under hwloc's own names (hwloc_obj_type_t, as hwloc_obj_type_string() spells them). */
export const objectTypes = [
  'Machine',
  'Package',
  'Core',
  'PU',
  'L1Cache',
  'L2Cache',
  'L3Cache',
  'L4Cache',
  'L5Cache',
  'L1iCache',
  'L2iCache',
  'L3iCache',
  'Group',
  'NUMANode',
  'Bridge',
  'PCIDev',
  'OSDev',
  'Misc',
  'MemCache',
  'Die',
] as const;

/** A type of object that hwloc 2 knows. */
export type ObjectType = (typeof objectTypes)[number];

/** Whether a text names a type of object, in hwloc's own spelling. */
export function isObjectType(text: string): text is ObjectType {
  return (objectTypes as readonly string[]).includes(text);
}

/** The number of a type in `hwloc_obj_type_t` of hwloc 2.x, which is its place in {@link objectTypes}. */
export function typeNumber(type: ObjectType): number {
  return objectTypes.indexOf(type);
}
