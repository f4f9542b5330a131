// The door of src/environment: the only folder that reads environment variables. Imports no other folder of
// src.

export {
  bytesOf,
  exactEnvironment,
  exactPath,
  exactWords,
  fileNamed,
  hasOtherBytes,
  textOf,
} from './bytes.js';
export { hostName, temporaryDirectory } from './process.js';
export { environmentOf } from './of-process.js';
export {
  type Environment,
  environment,
  joinedVariable,
  markJoined,
  passedOn,
  removeVariable,
  tellChildren,
} from './process.js';
export {
  type IoFilter,
  type Settings,
  defaultTimeout,
  longestTimeout,
  ioFilters,
  placeVariables,
  settingsFrom,
  shapeVariables,
  sourceVariables,
} from './settings.js';
