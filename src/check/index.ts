// The door of src/check: checks the arguments of public functions. Imports only src/errors.

export { type Check, check, checkOptions, flag, listed, oneOf, shown, text, wholeWithin } from './check.js';
export { InvalidArgumentError } from './errors.js';
export { nearest } from './nearest.js';
