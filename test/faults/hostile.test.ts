// Members that speak the protocol badly, on purpose: they are left out with a line that names what they said; nobody else is
// harmed, and the leader's memory stays bounded.
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { runJob } from '../support/job.js';
import { leftovers } from '../support/leftovers.js';
import { temporaryFolder } from '../support/temporary.js';
import { wrapper } from '../support/wrapper.js';
import { toldIn } from './bench.js';

const hostile = join(import.meta.dirname, 'fixtures/hostile.mjs');
/** Kilobytes. A plain rank takes some 60 MB. */
const mostMemory = 200_000;
/** Seconds; of the timeout, for those that say too little to be refused. */
const timeout = 4;

/** What the leader says on stderr, and what the hand reads. */
const cases: Record<string, { says: RegExp; hand?: RegExp }> = {
  'huge line': { says: /the lobby: a line of over 4096 bytes/ },
  'NUL bytes': { says: /the lobby: not a line of this protocol: "\\u0000/ },
  'a million ranges': { says: /the lobby: more than 65536 ranges/ },
  'inverted range': { says: /the lobby: 2000-1000 is not a range of addresses/ },
  // It does not answer the plan.
  'hello again and again': { says: /rank 2 did not answer within 4 s/ },
  'an answer to no round': { says: /rank 2 did not answer within 4 s/ },
  'a line without its rank': { says: /the lobby: local= is not a number: "hello round=0"/ },
  'ranks that are not there': { says: /rank 2 has not joined/ },
  'a negative rank': { says: /the lobby: local= is not a number: "hello local=-1/ },
  flood: { says: /the lobby: .*"nonsense at=|rank 2 has not joined/ },
  'barriers that are not': { says: /rank 2 has not joined/ },
  declined: { says: /^$/, hand: /hand: release .* xml=0 thissystem=1/ },
  failed: { says: /^$/, hand: /hand: release .* xml=0 thissystem=1/ },
};

test.for(Object.entries(cases))('%s', async ([mode, { says, hand }]) => {
  const folder = temporaryFolder();
  const command = wrapper(
    '--dir',
    folder,
    '--timeout',
    String(timeout),
    'local',
    '-n',
    '3',
    process.execPath,
    hostile,
  );
  const { stdout, stderr } = await runJob(command, { env: { HOSTILE: mode } });
  const told = toldIn(stdout);
  expect(
    told.map(({ outcome }) => outcome.how),
    stderr,
  ).toEqual(['adopted', 'adopted']);
  for (const { peak } of told) expect(peak).toBeLessThan(mostMemory);
  expect(stderr).toMatch(says);
  expect(stderr.split('\n').length).toBeLessThan(20);
  if (hand !== undefined) expect(stdout).toMatch(hand);
  expect(leftovers([folder])).toEqual([]);
});
