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

const cases: Record<string, { says: RegExp; hand?: RegExp; patience?: number }> = {
  'huge line': { says: /going on without rank 2, .*a line of over 8192 bytes: "xxx/ },
  'NUL bytes': { says: /going on without rank 2, .*not a line of this protocol: "\\u0000\\u0000/ },
  // A megabyte has to come through the pipe before there is something to refuse; nobody waits for the timeout then.
  'a million ranges': { says: /going on without rank 2, .*more than 65536 ranges/, patience: 10 },
  'inverted range': { says: /going on without rank 2, .*2000-1000 is not a range of addresses/ },
  'hello twice': { says: /going on without rank 2, .*out of turn \(greeting\): "hello/ },
  'out of turn': { says: /going on without rank 2, .*out of turn \(ready\): "reserved generation=1"/ },
  'truncated line': { says: /going on without rank 2, .*not a key=value word: "hello hwloc-sha"/ },
  'rank beyond the size': {
    says: /rank 2 did not join/,
    hand: /ladder reason=local%20rank%207%20is%20none%20of%20the%20ranks/,
  },
  'negative rank': { says: /an announcement was not understood: .*"announce hwloc-share=1 rank=-1/ },
  'pipe elsewhere': { says: /an announcement was not understood: .*pipe=\.\./ },
  'no pipe': { says: /an announcement was not understood: ENOENT/ },
  'huge announcement': { says: /an announcement was not understood: a line of over 8192 bytes: "xxx/ },
  'flood of announcements': { says: /an announcement was not understood: .*nonsense=0/ },
  declined: { says: /^$/, hand: /ladder reason=no%20room xml=\S+topology\.xml thissystem=1/ },
  failed: { says: /^$/, hand: /ladder reason=no%20room xml=\S+topology\.xml thissystem=1/ },
  'duplicate rank': {
    says: /^$/,
    hand: /hand: ladder reason=another%20process%20has%20joined%20as%20local%20rank%202/,
  },
  'pipes opened late': { says: /^$/, hand: /hand: released/ },
  'barriers that are not': { says: /^$/ },
};

test.for(Object.entries(cases))('%s', async ([mode, { says, hand, patience = timeout }]) => {
  const folder = temporaryFolder();
  const command = wrapper(
    '--dir',
    folder,
    '--timeout',
    String(patience),
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
