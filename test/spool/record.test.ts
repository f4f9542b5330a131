// Records: what a rank writes is what the wrapper reads, and nothing else is.
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { formatRecord, parseRecord } from '../../src/spool/index.js';
import { joinRecord } from '../support/join-record.js';

const come = joinRecord({ what: 'come', outcome: null, libhwloc: null, marks: [], points: [] });
const failed = joinRecord({ what: 'failed', outcome: null, error: 'why\nnot' });
const alone = joinRecord({ launcher: null, size: null, localRank: null, localSize: null });
const member = { localRank: 1, rank: null, standing: 'missing', how: null, reason: null };
const leader = joinRecord({
  members: [member, { ...member, rank: 3, standing: 'done', how: 'xml' as const }],
});

test.each([
  ['of a rank that adopted', joinRecord()],
  ['of one that has come', come],
  ['of one that failed', failed],
  ['of one that nobody started', alone],
  ['of a leader', leader],
])('a record %s is one line, with a newline at both ends, and is read as it was', (_, record) => {
  const text = formatRecord(record);
  expect(text.split('\n')).toEqual(['', expect.any(String) as string, '']);
  expect(parseRecord(text.trim())).toMatchObject(record);
});

describe('no record is', () => {
  const line = formatRecord(joinRecord()).trim();
  const changed = (change: object) => JSON.stringify({ version: 1, ...joinRecord(), ...change });

  test.each<[string, string]>([
    ['nothing', ''],
    ['another thing', '[1]'],
    ['half of one', line.slice(0, -20)],
    ['two of them, torn', line.slice(0, 60) + line],
    ['one of another version', changed({ version: 2 })],
    ['one that joined without an outcome', changed({ outcome: null })],
    ['one that has come with an outcome', changed({ what: 'come' })],
    ['a rank below zero', changed({ rank: -1 })],
    ['a rank that is text', changed({ rank: '1' })],
    ['a time that is none', changed({ born: null })],
    ['a mark without a time', changed({ marks: [['load']] })],
    ['an unknown way', changed({ outcome: { ...joinRecord().outcome, how: 'found' } })],
    ['phases that are text', changed({ outcome: { ...joinRecord().outcome, phases: { load: 'long' } } })],
    ['a member of no rank', changed({ members: [{ ...member, localRank: null }] })],
    ['more than a rank has to say', changed({ node: 'x'.repeat(1 << 20) })],
  ])('%s', (_, text) => {
    expect(parseRecord(text)).toBeUndefined();
  });

  test('anything at all', () => {
    fc.assert(fc.property(fc.oneof(fc.string(), fc.json()), (text) => parseRecord(text) === undefined));
  });
});
