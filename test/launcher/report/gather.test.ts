// Sorting what ranks have told into steps and nodes, and what the document, the trace and the summary make of it.
import { describe, expect, test } from 'vitest';
import { type JobFacts, reportOf } from '../../../src/launcher/report/document.js';
import { stepsOf } from '../../../src/launcher/report/gather.js';
import { summaryOf } from '../../../src/launcher/report/summary.js';
import { traceOf } from '../../../src/launcher/report/trace.js';
import type { JoinRecord } from '../../../src/spool/index.js';
import { validateReport } from '../../support/job-report.js';
import { joinRecord } from '../../support/join-record.js';

const facts: JobFacts = {
  hwlocShare: '0.0.0',
  job: 'h1-1-2',
  launcher: { command: 'srun', kind: 'slurm' },
  started: '2030-01-01T00:00:00.000Z',
  seconds: 1,
  exit: { status: 0, signal: null },
};

/** The ranks of one node. */
function onNode(step: string, ranks: readonly number[], given: Partial<JoinRecord> = {}): JoinRecord[] {
  const node = step.replace(/.*@/, '');
  return ranks.map((rank, localRank) =>
    joinRecord({ step, node, rank, localRank, localSize: ranks.length, ...given }),
  );
}

/** Steps as text: `step: node 0 1 | node 2, ? unknown`. */
function sorted(...records: JoinRecord[]): string[] {
  return stepsOf(records).map(({ name, nodes, unknown }) => {
    const there = nodes.map(({ node, ranks }) => [node, ...ranks.map(({ record }) => record.rank)].join(' '));
    const missing = unknown.map((gap) => gap.join('-'));
    return `${name}: ${there.join(' | ')}${missing.length === 0 ? '' : `, ? ${missing.join(' ')}`}`;
  });
}

describe('steps', () => {
  test('are what has a name in common, on whatever nodes, in whatever order', () => {
    const [a, b] = [onNode('slurm-7.0@h1', [0, 1]), onNode('slurm-7.0@h2', [2, 3])];
    expect(sorted(...b, ...a.reverse())).toEqual(['slurm-7.0: h1 0 1 | h2 2 3']);
  });

  test('of another name are others, in the order in which they began', () => {
    const later = { wall: 1_750_000_001_000_000 };
    expect(
      sorted(
        ...onNode('slurm-7.1@h1', [0, 1], { ...later, size: 2 }),
        ...onNode('slurm-7.0@h1', [0, 1], { size: 2 }),
      ),
    ).toEqual(['slurm-7.0: h1 0 1', 'slurm-7.1: h1 0 1']);
  });

  test('of Hydra, which names a process of each node, are what has no rank in common', () => {
    const hydra = { launcher: 'mpich', size: 3 };
    const first = [...onNode('mpich-10-100@h1', [0, 2], hydra), ...onNode('mpich-20-100@h2', [1], hydra)];
    const second = onNode('mpich-11-300@h1', [0, 1, 2], { ...hydra, wall: 1_750_000_009_000_000 });
    expect(sorted(...second, ...first)).toEqual(['mpich-10-100: h1 0 2 | h2 1', 'mpich-11-300: h1 0 1 2']);
  });

  test('know which ranks have told nothing, and do not take the number of a size for its truth', () => {
    expect(sorted(...onNode('slurm-7.0@h1', [1, 2, 5], { size: 8 }))).toEqual([
      'slurm-7.0: h1 1 2 5, ? 0-0 3-4 6-7',
    ]);
    expect(sorted(...onNode('slurm-7.0@h1', [0], { size: 999_999_999 }))).toEqual([
      'slurm-7.0: h1 0, ? 1-999999998',
    ]);
    expect(sorted(...onNode('slurm-7.0@h1', [9], { size: 2 }))).toEqual(['slurm-7.0: h1 9, ? 0-1']);
    expect(sorted(...onNode('pmix-x@h1', [0], { size: null }))).toEqual(['pmix-x: h1 0']);
  });
});

test('of a rank that joins again, and of its children, the first join counts', () => {
  const first = joinRecord({ size: 1, localSize: 1 });
  const come = joinRecord({ size: 1, localSize: 1, what: 'come', outcome: null });
  const again = joinRecord({ size: 1, localSize: 1, came: 2_000_000, pid: 999, error: 'no' });
  const [step] = stepsOf([again, come, first]);
  expect(step?.nodes[0]?.ranks.map(({ record }) => record)).toEqual([first]);
});

test('a job without records is one in which nobody joined, as far as one knows', () => {
  const report = reportOf(facts, stepsOf([]), 0);
  expect(report.notes).toEqual(['no rank of this job has told of a join']);
  expect(summaryOf(report)).toEqual(report.notes);
  expect(JSON.parse([...traceOf(facts, [])].join(''))).toMatchObject({ traceEvents: [] });
});

test('lines that cannot be understood are counted in the notes', () => {
  const { notes } = reportOf(facts, stepsOf([joinRecord({ size: 1, localSize: 1 })]), 3);
  expect(notes).toEqual(['3 lines that ranks have written could not be understood']);
});

test('what a leader tells of the others is in it, unless they have told themselves', () => {
  const member = { how: null, reason: null };
  const members = [
    { ...member, localRank: 1, rank: 1, standing: 'gone', how: 'adopted' as const },
    {
      ...member,
      localRank: 2,
      rank: 2,
      standing: 'done',
      how: 'xml' as const,
      reason: 'its range was taken',
    },
    { ...member, localRank: 3, rank: null, standing: 'missing' },
    { ...member, localRank: 4, rank: 4, standing: 'done', how: 'adopted' as const },
  ];
  const five = { size: 5, localSize: 5 };
  const records = [joinRecord({ ...five, members }), joinRecord({ ...five, rank: 4 })];
  const report = reportOf(facts, stepsOf(records), 0);
  expect(validateReport(report), JSON.stringify(validateReport.errors)).toBe(true);
  expect(
    report.steps[0]?.nodes[0]?.ranks.map(({ rank, how, toldBy, address }) => [rank, how, toldBy, address]),
  ).toEqual([
    [0, 'adopted', 'rank', '0x41a200000000'],
    [4, 'adopted', 'rank', '0x41a200000000'],
    [1, 'adopted', 'leader', '0x41a200000000'],
    [2, 'xml', 'leader', null],
    [3, 'missing', 'leader', null],
  ]);
  expect(report.totals).toMatchObject({ ranks: 5, adopted: 3, xml: 1, missing: 1, discoveriesSaved: 3 });
  expect(report.totals.bytesSaved).toBe(2 * 8192);
  expect(report.notes).toEqual(['rank 3 did not come to the end of a join']);
});

test('on several nodes, the number of a rank that never came is not known from its local rank', () => {
  const members = [{ localRank: 1, rank: null, standing: 'missing', how: null, reason: null }];
  const records = [
    ...onNode('slurm-7.0@h1', [0, 1]),
    ...onNode('slurm-7.0@h2', [2], { localSize: 2, members }),
  ];
  const report = reportOf(facts, stepsOf(records), 0);
  expect(report.steps[0]?.nodes[1]?.ranks[1]).toMatchObject({ rank: null, localRank: 1, how: 'missing' });
  expect(report.totals).toMatchObject({ ranks: 4, adopted: 3, missing: 1 });
  expect(report.notes).toEqual([
    'nothing is known of rank 3: not joined, or not on a file system that the nodes share',
  ]);
});

test('the summary of many nodes is short, and begins with those where not all went well', () => {
  const records = Array.from({ length: 100 }, (_, i) =>
    joinRecord({
      step: `slurm-7.0@n${i}`,
      node: `n${i}`,
      rank: i,
      size: 100,
      localRank: 0,
      localSize: 1,
      ...(i === 77 ? { what: 'failed' as const, outcome: null, error: 'no' } : {}),
    }),
  );
  const lines = summaryOf(reportOf(facts, stepsOf(records), 0));
  expect(lines).toHaveLength(18);
  expect(lines[0]).toMatch(/^node n77: 0 of 1 ranks/);
  expect(lines[16]).toBe('84 more nodes');
  expect(lines[17]).toMatch(/^100 ranks on 100 nodes: 99 adopted, 1 failed; /);
});

test('in a trace, the ranks of a node have one clock, and nodes are set against each other by their wall clocks', () => {
  // h2 was booted long before h1, and its second rank read its wall clock 40 ms late.
  const late = { born: 500_000_000, came: 500_050_000, now: 500_100_000, marks: [], points: [] };
  const records = [
    ...onNode('slurm-7.0@h1', [0, 1]),
    ...onNode('slurm-7.0@h2', [2, 3], { ...late, wall: 1_750_000_000_007_000 }),
  ];
  records[3] = { ...joinRecord(records[3]), wall: 1_750_000_000_047_000 };
  const { traceEvents } = JSON.parse([...traceOf(facts, stepsOf(records))].join('')) as {
    traceEvents: { name: string; ts: number }[];
  };
  expect(traceEvents.filter(({ name }) => name === 'join').map(({ ts }) => ts)).toEqual([
    50_000, 50_000, 57_000, 57_000,
  ]);
});
