// The door of src/rank, `hwloc-share/rank`: what a rank imports.

export { HwlocShareError, InvalidArgumentError, type Topology } from '../hwloc/index.js';
export type { JoinOptions, Share, SharedData } from './join-options.js';
export { BarrierError, NotSharedError, ShareError } from './errors.js';
export { join } from './join.js';
export type { AdoptedOutcome, How, Outcome, PrivateOutcome } from './outcome.js';
export type { AllowedSets, Session } from './session.js';
export type { Shared } from './data/open.js';
