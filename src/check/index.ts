// The door of src/check: checks of what callers give to public functions. Imports nothing of ours.

export { type Check, check, checkOptions, flag, listed, oneOf, shown, text, wholeWithin } from './check.js';
export { InvalidArgumentError } from './errors.js';
export { nearest } from './nearest.js';
