// The context of a join: what all its parts need.

import type { NumberedRoots } from '../channel/place/index.js';
import type { Environment, Settings } from '../environment/index.js';
import type { Allowed } from './allowed.js';
import type { Share } from './join-options.js';
import type { RankIdentity } from './identity.js';
import type { Clock } from './outcome.js';
import type { Recorder } from './report/recorder.js';

/** A join that is running in one rank. */
export interface Context {
  readonly identity: RankIdentity;
  readonly settings: Settings;
  readonly env: Environment;
  /** Where channels and topologies may be, best first. */
  readonly roots: readonly string[];
  /** The same roots by their numbers in the protocol. */
  readonly numberedRoots: NumberedRoots;
  readonly clock: Clock;
  readonly allowed: Allowed;
  /** The data that this rank shares if it leads. */
  readonly share: Share | undefined;
  /** Writes a line to stderr, with the node and the rank at its beginning. */
  readonly notice: (text: string) => void;
  /** Undefined if the wrapper makes no report of the job. */
  readonly recorder: Recorder | undefined;
}
