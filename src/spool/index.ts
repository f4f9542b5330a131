// The door of src/spool: the directory in which the ranks of a job leave records for the wrapper's report, as
// lines of JSON.

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
