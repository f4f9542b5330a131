// The door of src/spool: what the ranks of a job leave for the wrapper's report, as lines of JSON in a directory that it made.

export { type SpoolPart, openPart } from './part.js';
export {
  type JoinRecord,
  type Libhwloc,
  type Mark,
  type Member,
  type Outcome,
  type Who,
  formatRecord,
  parseRecord,
} from './record.js';
export { type Gathered, makeSpool, readSpool, removeSpool, spoolsIn } from './spool.js';
