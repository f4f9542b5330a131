// Formats the rendezvous as trace events for Perfetto: a process for each node, a track for each rank, with
// its phases and trace points. The format: "Trace Event Format" of the Chromium project, JSON object form.

import { formatAddress } from '../../maps/index.js';
import type { JoinRecord } from '../../spool/index.js';
import type { JobFacts } from './document.js';
import { wallTime } from './document.js';
import type { Node, Step } from './gather.js';

/**
 * An event. Times are whole microseconds, so that each phase of a join ends exactly where the next begins,
 * and the join ends with the last.
 */
interface TraceEvent {
  readonly name: string;
  readonly cat?: string;
  /** `X`: complete, with a duration. `i`: instant. `M`: metadata. */
  readonly ph: 'X' | 'i' | 'M';
  readonly ts: number;
  readonly dur?: number;
  readonly pid: number;
  readonly tid: number;
  /** An instant's scope: its own track. */
  readonly s?: 't';
  readonly args?: Readonly<Record<string, unknown>>;
}

/** The track of a rank in the trace. */
interface Track {
  readonly pid: number;
  readonly tid: number;
  /** Converts a moment of the rank's clock to the trace's time. */
  readonly at: (moment: number) => number;
}

/** The trace as text, in pieces: the trace of a large job is longer than a string can be. */
export function* traceOf(facts: JobFacts, steps: readonly Step[]): Generator<string> {
  const { job, hwlocShare, launcher } = facts;
  const records = steps.flatMap(({ nodes }) =>
    nodes.flatMap(({ ranks }) => ranks.map(({ record }) => record)),
  );
  const zero = records.reduce((least, record) => Math.min(least, record.wall), Infinity);
  const head = {
    displayTimeUnit: 'ms',
    otherData: {
      job,
      hwlocShare,
      launcher: launcher.kind ?? launcher.command,
      zero: Number.isFinite(zero) ? new Date(zero / 1000).toISOString() : null,
      clock: "CLOCK_MONOTONIC of each node, set against the others' by their wall clocks",
    },
  };
  yield `${JSON.stringify(head).slice(0, -1)},"traceEvents":[`;
  let separator = '\n';
  for (const event of eventsOf(steps, zero)) {
    yield separator + JSON.stringify(event);
    separator = ',\n';
  }
  yield '\n]}\n';
}

function* eventsOf(steps: readonly Step[], zero: number): Generator<TraceEvent> {
  const pids = new Map<string, number>();
  let tid = 0;
  for (const step of steps) {
    for (const node of step.nodes) {
      let pid = pids.get(node.node);
      if (pid === undefined) {
        pid = pids.size + 1;
        pids.set(node.node, pid);
        yield* namesOf('process', `node ${node.node}`, pid, { pid, tid: 0 });
      }
      const at = clockOf(node, zero);
      for (const { record } of node.ranks) {
        const track = { pid, tid: ++tid, at };
        const name = `rank ${record.rank}${steps.length === 1 ? '' : ` of ${step.name}`}`;
        yield* namesOf('thread', name, tid, track);
        yield* eventsOfRank(record, track);
      }
    }
  }
}

/**
 * The clock of a node. All its ranks share CLOCK_MONOTONIC, and one of them sets it against the other nodes.
 * Not each rank: the ranks' wall clocks at their starts differ by more than the time between two events.
 */
function clockOf({ ranks }: Node, zero: number): Track['at'] {
  const [first] = ranks;
  const offset = first === undefined ? 0 : wallTime(first.record, 0) - zero;
  return (moment) => Math.max(0, moment + offset);
}

function* namesOf(
  what: 'process' | 'thread',
  name: string,
  index: number,
  { pid, tid }: Pick<Track, 'pid' | 'tid'>,
): Generator<TraceEvent> {
  yield { name: `${what}_name`, ph: 'M', ts: 0, pid, tid, args: { name } };
  yield { name: `${what}_sort_index`, ph: 'M', ts: 0, pid, tid, args: { sort_index: index } };
}

/**
 * Events sorted by time. Among events that begin at the same time, the longer one comes first, since it
 * contains the others.
 */
function eventsOfRank(record: JoinRecord, { pid, tid, at }: Track): TraceEvent[] {
  const { born, came, now, what, marks, points } = record;
  const complete = (
    name: string,
    cat: string,
    from: number,
    to: number,
    args?: TraceEvent['args'],
  ): TraceEvent => ({
    name,
    cat,
    ph: 'X',
    ts: at(from),
    dur: at(to) - at(from),
    pid,
    tid,
    ...(args === undefined ? {} : { args }),
  });
  const instant = (name: string, cat: string, moment: number, args?: TraceEvent['args']): TraceEvent => ({
    name,
    cat,
    ph: 'i',
    ts: at(moment),
    pid,
    tid,
    s: 't',
    ...(args === undefined ? {} : { args }),
  });
  const start = complete('start', 'process', born, came, { pid: record.pid });
  if (what === 'come') return [start, instant('join that did not end', 'join', came)];
  const phases = marks.map(([phase, end], i) => complete(phase, 'phase', marks[i - 1]?.[1] ?? came, end));
  const events = [start, complete('join', 'join', came, now, resultOf(record)), ...phases];
  return [...events, ...points.map(([point, moment]) => instant(point, 'point', moment))].sort(
    (a, b) => a.ts - b.ts || (b.dur ?? 0) - (a.dur ?? 0),
  );
}

function resultOf({ outcome, error }: JoinRecord): TraceEvent['args'] {
  if (outcome === null) return { how: 'failed', reason: error };
  const { how, reason, address, length, generation } = outcome;
  return {
    how,
    ...(reason === null ? {} : { reason }),
    ...(address === null ? {} : { address: formatAddress(address), bytes: length, generation }),
  };
}
