// With --strict there is no fallback: what would have been a private copy is an error that names the
// cause; and without, the leader's XML is as good as the topology itself.
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { type JobResult, runJob, startJob } from '../support/job.js';
import { leftovers } from '../support/leftovers.js';
import { processesWith, sendSignal } from '../support/processes.js';
import { temporaryFolder } from '../support/temporary.js';
import { wrapper } from '../support/wrapper.js';
import { largeMachine } from './bench.js';

const killSwitch = join(import.meta.dirname, 'kill-switch.mjs');
const rank = join(import.meta.dirname, 'fixtures/rank.mjs');
const inShm = join(import.meta.dirname, 'fixtures/in-shm.sh');
const local = (ranks: number, ...program: string[]) => [
  'local',
  '-n',
  String(ranks),
  process.execPath,
  ...program,
];

interface Case {
  faults?: object[];
  env?: Record<string, string>;
  options?: string[];
  inFront?: string[];
  ranks?: number;
  says: RegExp;
}

async function runStrict({
  faults = [],
  env = {},
  options = [],
  inFront = [],
  ranks = 3,
}: Case): Promise<JobResult> {
  const folder = temporaryFolder();
  const place = inFront.length > 0 ? [] : ['--dir', folder];
  const command = wrapper('--strict', ...place, ...options, ...local(ranks, '--import', killSwitch, rank));
  const FAULTS_LOG = join(temporaryFolder(), 'log');
  const result = await runJob([...inFront, ...command], {
    env: { TMPDIR: folder, FAULTS: JSON.stringify(faults), FAULTS_LOG, ...env },
  });
  expect(leftovers([folder])).toEqual([]);
  return result;
}

describe('with --strict, it is an error that names its cause when', () => {
  const cases: Record<string, Case> = {
    'two leaders die': {
      faults: [
        { rank: 0, point: 'leader:gathered', act: 'kill' },
        { rank: 1, point: 'leader:gathered', act: 'kill' },
        { rank: 2, point: 'leader:gathered', act: 'kill' },
        { rank: 3, point: 'leader:gathered', act: 'kill' },
      ],
      ranks: 4,
      says: /NotSharedError: the topology was not shared: 2 leaders died in this join/,
    },
    'the leader is silent': {
      faults: [{ rank: 0, point: 'leader:planned', act: 'stop' }],
      options: ['--timeout', '1'],
      says: /NotSharedError: the topology was not shared: the leader was silent for 1 s/,
    },
    'the range is taken in a rank for good': {
      faults: [{ rank: 1, point: 'member:announced', act: 'take' }],
      options: ['--hole', '0x4abc00000000'],
      says: /NotSharedError: the topology was not shared: the planned range is taken in this rank/,
    },
    'a reservation is refused': {
      faults: [{ rank: 1, point: 'member:planned', act: 'refuse' }],
      env: largeMachine,
      says: /NotSharedError: the topology was not shared: .*ENOMEM/,
    },
    'there is no room for files': {
      inFront: ['sh', inShm, 'small-everywhere'],
      env: { HWLOC_SYNTHETIC: 'pack:4 core:64 pu:2' },
      says: /NotSharedError: the topology was not shared: .*ENOSPC/,
    },
  };

  test.for(Object.entries(cases))('%s', async ([, each], { skip }) => {
    if (each.inFront !== undefined && process.getuid?.() !== 0) skip('only root can mount');
    const stopped = each.says.source.includes('silent');
    const job = stopped ? runStopped(each) : runStrict(each);
    const { stderr, exitCode } = await job;
    expect(stderr).toMatch(each.says);
    expect(exitCode).not.toBe(0);
  });
});

/** A rank that is stopped by its own doing ends with the job's time only: here, it is killed when the others are through. */
async function runStopped(each: Case): Promise<Pick<JobResult, 'stderr' | 'exitCode'>> {
  const folder = temporaryFolder();
  const command = wrapper(
    '--strict',
    '--dir',
    folder,
    ...(each.options ?? []),
    ...local(3, '--import', killSwitch, rank),
  );
  const job = startJob(command, {
    env: { FAULTS: JSON.stringify(each.faults), FAULTS_LOG: join(folder, 'log') },
  });
  await job.printed(/NotSharedError[^]*NotSharedError/);
  for (const pid of processesWith(job.marker)) sendSignal(pid, 'SIGCONT');
  return job.result;
}

test("a rank whose range is taken for good has the leader's XML, and can bind with it", async () => {
  const binder = join(import.meta.dirname, 'fixtures/binder.mjs');
  const command = wrapper(
    '--dir',
    temporaryFolder(),
    '--hole',
    '0x4abc00000000',
    ...local(3, '--import', killSwitch, binder),
  );
  const { stdout } = await runJob(command, {
    env: {
      FAULTS: JSON.stringify([{ rank: 1, point: 'member:announced', act: 'take' }]),
      FAULTS_LOG: join(temporaryFolder(), 'log'),
    },
  });
  expect(stdout.trimEnd().split('\n').sort()).toEqual(['0 adopted bound', '1 xml bound', '2 adopted bound']);
});
