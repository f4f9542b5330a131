// hwloc-share hold: says that it is ready, keeps what steps leave, and ends when it is told to or alone.
import { writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { leaveChannel } from '../../../src/channel/index.js';
import { holdKept, keepFile, keptIn, keptPath } from '../../../src/kept/index.js';
import { ownUid } from '../../../src/channel/place/index.js';
import { type Job, runJob, startJob } from '../../support/job.js';
import { leftovers, processesLeft, processesWith } from '../../support/leftovers.js';
import { temporaryFolder } from '../../support/temporary.js';
import { wrapper } from '../../support/wrapper.js';

const rootIn = (folder: string) => join(folder, `hwloc-share-${ownUid()}`);
const placeIn = (folder: string) => join(rootIn(folder), `kept@${hostname()}`);

async function startHolding(folder: string): Promise<Job> {
  const job = startJob(wrapper('hold', '--dir', folder));
  await job.printed(/holding/);
  return job;
}

test.each(['SIGTERM', 'SIGINT', 'SIGHUP', 'SIGUSR1'] as const)(
  'hold says in one line on stderr that it is ready, and ends on %s without a trace',
  async (signal) => {
    const folder = temporaryFolder();
    const job = await startHolding(folder);
    expect(keptPath([rootIn(folder)], hostname())).toBe(placeIn(folder));
    process.kill(job.pid, signal);
    const { exitCode, stdout, stderr } = await job.result;
    expect({ exitCode, stdout, stderr }).toEqual({
      exitCode: 0,
      stdout: '',
      stderr: `hwloc-share: holding ${placeIn(folder)}: job steps on this node share what the first one discovers\n`,
    });
    expect(leftovers([folder])).toEqual([]);
  },
);

test('hold ends when its parent does', async () => {
  const folder = temporaryFolder();
  const words = wrapper('hold', '--dir', folder).map((word) => `'${word}'`);
  const root = `'${placeIn(folder)}'`;
  const script = `${words.join(' ')} & until [ -e ${root} ]; do sleep 0.02; done`;
  const { exitCode, marker } = await runJob(['sh', '-c', script]);
  expect(exitCode).toBe(0);
  expect(await processesLeft(() => processesWith(marker))).toEqual([]);
  expect(leftovers([folder])).toEqual([]);
});

test('of several holders the last one removes what was kept', async () => {
  const folder = temporaryFolder();
  const [one, other] = [await startHolding(folder), await startHolding(folder)];
  expect(keptIn(placeIn(folder)).holders).toBe(2);
  process.kill(one.pid);
  await one.result;
  expect(keptIn(placeIn(folder)).holders).toBe(1);
  process.kill(other.pid);
  await other.result;
  expect(leftovers([folder])).toEqual([]);
});

test('hold says in one line what it cannot do', async () => {
  const file = join(temporaryFolder(), 'file');
  writeFileSync(file, '');
  const blocked = { HWLOC_SHARE_DIR: file, XDG_RUNTIME_DIR: file, TMPDIR: file };
  expect(await runJob(wrapper('hold', 'this'), { env: blocked })).toMatchObject({
    exitCode: 2,
    stderr: 'hwloc-share: hold takes no arguments (see --help)\n',
  });
});

describe('what is kept', () => {
  const kept = () => {
    const folder = temporaryFolder();
    const { channel, byte } = holdKept([rootIn(folder)], hostname());
    const file = join(folder, 'topology');
    writeFileSync(file, 'x'.repeat(2048), { mode: 0o600 });
    expect(keepFile(channel.path, 'f00', file)).toBe(true);
    return { folder, channel, leave: () => leaveChannel(channel, byte) };
  };

  test('is told by clean, which leaves it', async () => {
    const { folder, channel, leave } = kept();
    const { stderr } = await runJob(wrapper('clean', '--dir', folder));
    expect(stderr).toMatch(
      /^hwloc-share: kept: \S+, held by 1 process: 1 topology, 2 KiB, the last one of \d{4}-\S+Z\n$/,
    );
    expect(stderr).toContain(channel.path);
    expect(keptIn(channel.path).topologies).toHaveLength(1);
    leave();
    expect((await runJob(wrapper('clean', '--dir', folder))).stderr).toBe('');
  });

  test('is removed by clean when its holder was killed', async () => {
    const folder = temporaryFolder();
    const job = await startHolding(folder);
    process.kill(job.pid, 'SIGKILL');
    await job.result;
    const { stderr } = await runJob(wrapper('clean', '--dir', folder));
    expect(stderr).toBe(`hwloc-share: removed ${placeIn(folder)}, left by a job that is dead\n`);
  });

  test('is told by doctor, and is no job', async () => {
    const { folder, leave } = kept();
    const { stdout } = await runJob(wrapper('doctor', '--json', '--dir', folder), { timeoutMs: 60_000 });
    leave();
    const { findings } = JSON.parse(stdout) as {
      findings: { subject: string; text: string; facts?: object }[];
    };
    const [found, ...others] = findings.filter(({ subject }) => subject === 'kept');
    expect(others).toEqual([]);
    expect(found?.text).toMatch(/^kept: \S+, held by 1 process: \d topolog(y|ies), /);
    expect(found?.facts).toMatchObject({ path: placeIn(folder), holders: 1 });
    expect(findings.find(({ subject }) => subject === 'channels')?.text).toBe(
      'channels: nothing is left of dead jobs',
    );
  }, 70_000);
});
