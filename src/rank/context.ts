// What all parts of a join need to know.

import type { NumberedRoots } from '../channel/place/index.js';
import type { Environment, Settings } from '../environment/index.js';
import type { Allowed } from './allowed.js';
import type { Share } from './join-options.js';
import type { RankIdentity } from './identity.js';
import type { Clock } from './outcome.js';
import type { Recorder } from './report/recorder.js';

/** A join under way in one rank. */
export interface Context {
  readonly identity: RankIdentity;
  readonly settings: Settings;
  readonly env: Environment;
  /** Where channels and topologies may be, best first. */
  readonly roots: readonly string[];
  /** The same by their numbers in the protocol. */
  readonly numberedRoots: NumberedRoots;
  readonly clock: Clock;
  readonly allowed: Allowed;
  /** What this rank would share if it led. */
  readonly share: Share | undefined;
  /** One line on stderr, with the node and the rank in front. */
  readonly notice: (text: string) => void;
  /** Where the wrapper makes a report of the job. */
  readonly recorder: Recorder | undefined;
}
