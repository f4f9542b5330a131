// The door of src/kept: topologies that outlive the steps which discovered them, and what tells whether one is still true.

export {
  type HeldChannel,
  type KeptChannel,
  type KeptFile,
  holdKept,
  isKeptPath,
  keepFile,
  keptFile,
  keptIn,
  keptPath,
} from './channel.js';
export { type Allowed, fingerprintOf, textsOf } from './fingerprint.js';
