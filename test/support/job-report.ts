// The reports and traces that the wrapper writes, as tests read them: checked against what is documented of their form.
import { readFileSync } from 'node:fs';
import { Ajv } from 'ajv';
import { expect } from 'vitest';
import type { RankReport, Report } from '../../src/launcher/report/document.js';

const schema = JSON.parse(
  readFileSync(new URL('../../docs/report.schema.json', import.meta.url), 'utf8'),
) as object;
const isIsoTime = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;
export const validateReport = new Ajv({
  allErrors: true,
  strict: true,
  allowUnionTypes: true,
  formats: { 'date-time': isIsoTime },
}).compile(schema);

/** A report, which keeps to its schema and whose sums are right. */
export function reportIn(file: string): Report {
  const report = JSON.parse(readFileSync(file, 'utf8')) as Report;
  validateReport(report);
  expect(validateReport.errors ?? []).toEqual([]);
  const { ranks, adopted, xml, discovered, failed, missing } = report.totals;
  expect(adopted + xml + discovered + failed + missing).toBe(ranks);
  return report;
}

/** All ranks of a report, with the node of each. */
export function ranksIn({ steps }: Report): (RankReport & { node: string })[] {
  return steps.flatMap((step) =>
    step.nodes.flatMap(({ node, ranks }) => ranks.map((rank) => ({ ...rank, node }))),
  );
}

/** The lines of a stderr, without those that tell who is waited for: on a busy machine, ranks come as they can. */
export function linesOf(stderr: string): string[] {
  return stderr.split('\n').filter((line) => line !== '' && !line.includes('ranks have come; waiting for'));
}

/** An event of a trace. */
export interface TraceEvent {
  name: string;
  cat?: string;
  ph: 'X' | 'i' | 'M';
  ts: number;
  dur?: number;
  pid: number;
  tid: number;
  s?: string;
  args?: Record<string, unknown>;
}

/** What happened on one track, in the order of the file. */
export interface Track {
  process: string;
  thread: string;
  events: TraceEvent[];
}

/**
 * The tracks of a trace, which keeps to the rules of the Trace Event Format in its JSON object form, as strictly as they can be
 * read: what Perfetto would mend in silence is an error here.
 */
export function tracksIn(file: string): Track[] {
  const trace = JSON.parse(readFileSync(file, 'utf8')) as {
    traceEvents: TraceEvent[];
    displayTimeUnit: string;
  };
  expect(['ms', 'ns']).toContain(trace.displayTimeUnit);
  expect(Array.isArray(trace.traceEvents)).toBe(true);
  const { traceEvents } = trace;
  for (const event of traceEvents) expect(wrongWith(event), JSON.stringify(event)).toBeUndefined();

  const processes = namesOf(traceEvents, 'process_name', ({ pid }) => String(pid));
  const threads = namesOf(traceEvents, 'thread_name', ({ pid, tid }) => `${pid}/${tid}`);
  const tracks = new Map<string, Track>();
  for (const event of traceEvents.filter(({ ph }) => ph !== 'M')) {
    const [process, key] = [processes.get(String(event.pid)), `${event.pid}/${event.tid}`];
    const thread = threads.get(key);
    if (process === undefined || thread === undefined) throw new Error(`no name: ${JSON.stringify(event)}`);
    const track = tracks.get(key) ?? { process, thread, events: [] };
    tracks.set(key, track);
    track.events.push(event);
  }
  expect([...tracks.keys()].sort()).toEqual([...threads.keys()].sort());
  for (const { events } of tracks.values()) expectNested(events);
  return [...tracks.values()];
}

function wrongWith(event: TraceEvent): string | undefined {
  const known = ['name', 'cat', 'ph', 'ts', 'dur', 'pid', 'tid', 's', 'args'];
  const strange = Object.keys(event).find((key) => !known.includes(key));
  if (strange !== undefined) return `${strange} is no field`;
  const { name, cat, ph, ts, dur, pid, tid, s } = event;
  if (typeof name !== 'string' || name === '') return 'no name';
  for (const id of [pid, tid]) if (!Number.isSafeInteger(id) || id < 0) return 'an id that is none';
  if (!Number.isSafeInteger(ts) || ts < 0) return 'a time that is none';
  if ((ph === 'X') !== (dur !== undefined)) return 'complete events have a duration, others have none';
  if (dur !== undefined && (!Number.isSafeInteger(dur) || dur < 0)) return 'a duration that is none';
  if ((ph === 'i') !== (s !== undefined) || (s !== undefined && s !== 't')) return 'a scope that is none';
  if (ph === 'M') return typeof event.args === 'object' ? undefined : 'metadata without args';
  if (typeof cat !== 'string') return 'no category';
  return ['X', 'i'].includes(ph) ? undefined : `${ph} is no phase of ours`;
}

function namesOf(
  events: TraceEvent[],
  what: string,
  key: (event: TraceEvent) => string,
): Map<string, string> {
  const names = new Map<string, string>();
  for (const event of events.filter(({ ph, name }) => ph === 'M' && name === what)) {
    expect(names.has(key(event)), `a second ${what}`).toBe(false);
    names.set(key(event), String(event.args?.name));
  }
  expect(new Set(names.values()).size).toBe(names.size);
  return names;
}

/** In the order of time, and each within, or behind, the one before it. */
function expectNested(events: readonly TraceEvent[]): void {
  const open: number[] = [];
  let last = 0;
  for (const { ts, dur = 0, name } of events) {
    expect(ts, name).toBeGreaterThanOrEqual(last);
    last = ts;
    while (open.length > 0 && (open.at(-1) ?? 0) <= ts) open.pop();
    const end = open.at(-1);
    if (end !== undefined) expect(ts + dur, `${name} overlaps what it is in`).toBeLessThanOrEqual(end);
    open.push(ts + dur);
  }
}
