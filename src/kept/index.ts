// The door of src/kept: topologies that outlive the steps that discovered them, and fingerprints that tell
// whether they are still valid.

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
