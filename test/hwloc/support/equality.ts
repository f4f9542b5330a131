// Makes toEqual() compare our objects by identity and our sets by members: their fields are private, so that vitest would
// take any two for equal. To be imported by every test that compares such values.

import { expect } from 'vitest';
import { Bitmap } from '../../../src/hwloc/bitmap/bitmap.js';
import { ObjectFields } from '../../../src/hwloc/object/fields.js';

function sameObject(a: unknown, b: unknown): boolean | undefined {
  return a instanceof ObjectFields || b instanceof ObjectFields ? a === b : undefined;
}

function sameSet(a: unknown, b: unknown): boolean | undefined {
  if (!(a instanceof Bitmap) || !(b instanceof Bitmap)) return undefined;
  return a.kind === b.kind && a.toString() === b.toString();
}

expect.addEqualityTesters([sameObject, sameSet]);
