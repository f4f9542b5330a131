// Steps of one batch script: the first discovers, and its topology is kept for those that come later, as long as somebody holds it.
import { cpSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { leaveChannel } from '../../src/channel/index.js';
import { holdKept, keptIn, keptPath } from '../../src/kept/index.js';
import { ownUid } from '../../src/channel/place/index.js';
import { loadTopology } from '../../src/hwloc/index.js';
import { launcher } from '../launchers/available.js';
import { type Slurm, startSlurm } from '../launchers/slurm.js';
import { type JobOptions, runJob, startJob } from '../support/job.js';
import { reportIn } from '../support/job-report.js';
import { launcherCommands } from '../support/jobs.js';
import { leftovers, processesLeft, processesWith } from '../support/leftovers.js';
import { type Report, fixture, reporter, reportsIn } from '../support/shared-job.js';
import { memoryFolder, temporaryFolder } from '../support/temporary.js';
import { wrapper } from '../support/wrapper.js';

/** A machine that does not change while the tests run. */
const machine = { HWLOC_SYNTHETIC: 'pack:2 core:8 pu:2' };

/** Steps of one script, in a directory of their own that this process holds. */
function held(env: JobOptions['env'] = machine, base = memoryFolder()) {
  const roots = [join(base, `hwloc-share-${ownUid()}`)];
  const { channel, byte } = holdKept(roots, hostname());
  onTestFinished(() => {
    channel.roll.close();
  });
  const step = async (
    ranks = 2,
    more: JobOptions['env'] = {},
    program: readonly string[] = reporter,
  ): Promise<Report[]> => {
    const command = wrapper('local', '-n', String(ranks), ...program);
    const result = await runJob(command, { env: { ...env, ...more, HWLOC_SHARE_DIR: base } });
    expect(result).toMatchObject({ exitCode: 0, stderr: '' });
    const reports = reportsIn(result.stdout);
    expect(reports.map(({ outcome }) => outcome.how)).toEqual(Array(ranks).fill('adopted'));
    expect(new Set(reports.map(({ outcome }) => outcome.address)).size).toBe(1);
    expect(new Set(reports.map(({ tree }) => tree)).size).toBe(1);
    return reports;
  };
  return {
    step,
    base,
    roots,
    path: channel.path,
    topologies: () => keptIn(channel.path).topologies,
    letGo: () => leaveChannel(channel, byte),
  };
}

const discoveries = (reports: readonly Report[]) =>
  reports.filter(({ outcome }) => outcome.didDiscover).length;
const addressOf = ([first]: readonly Report[]) => first?.outcome.address;

test('a later step discovers nothing, and maps the file that the first one wrote', async () => {
  const { step, base, path, topologies, letGo } = held();
  const before = Date.now();
  const first = await step(2);
  const [file, ...others] = topologies();
  const second = await step(3);
  expect([discoveries(first), discoveries(second)]).toEqual([1, 0]);
  expect(others).toEqual([]);
  expect(topologies()).toEqual([file]);
  expect(addressOf(second)).toBe(addressOf(first));
  expect(second[0]?.tree).toBe(first[0]?.tree);
  // When it was discovered; whole seconds, since clocks of files are coarse.
  expect(first.map(({ outcome }) => outcome.kept)).toEqual([undefined, undefined]);
  expect(second[0]?.outcome.kept).toBe(file?.since);
  expect(second[0]?.outcome.kept).toBeGreaterThanOrEqual(before - 1000);
  expect(second[0]?.outcome.kept).toBeLessThanOrEqual(Date.now() + 1000);
  expect(second.slice(1).map(({ outcome }) => outcome.kept)).toEqual([undefined, undefined]);
  expect(leftovers([base])).toEqual([path]);
  letGo();
  expect(leftovers([base])).toEqual([]);
});

test('without a holder each step discovers, and leaves nothing', async () => {
  const { step, base, letGo } = held();
  letGo();
  for (const reports of [await step(), await step()]) expect(discoveries(reports)).toBe(1);
  expect(leftovers([base])).toEqual([]);
});

test('many steps at once share one file, and leave what is kept and nothing else', async () => {
  const { step, base, path, topologies } = held();
  await step();
  const steps = await Promise.all(Array.from({ length: 4 }, () => step()));
  expect(steps.map(discoveries)).toEqual([0, 0, 0, 0]);
  expect(new Set(steps.map(addressOf)).size).toBe(1);
  expect(topologies()).toHaveLength(1);
  expect(leftovers([base])).toEqual([path]);
});

test('first steps at once each discover, and leave one topology', async () => {
  const { step, topologies } = held();
  await Promise.all(Array.from({ length: 3 }, () => step()));
  expect(topologies()).toHaveLength(1);
  expect(discoveries(await step())).toBe(0);
});

test('--xmlfile: later steps have the XML that the first one exported', async () => {
  // This machine: a described one needs no XML.
  const { base, path, topologies } = held({});
  const program = ['sh', '-c', 'stat -L -c %i "$HWLOC_XMLFILE"'];
  const step = async () => {
    const command = wrapper('--xmlfile', 'local', '-n', '2', ...program);
    const { stdout, stderr } = await runJob(command, { env: { HWLOC_SHARE_DIR: base } });
    expect(stderr).toBe('');
    return stdout.trim().split('\n').map(Number);
  };
  const files = [...(await step()), ...(await step()), ...(await step())];
  expect(files).toHaveLength(6);
  const kept = topologies().map((each) => statSync(each.path).ino);
  for (const file of files) expect(kept).toContain(file);
  // If memory was plugged into a virtual machine meanwhile, a step has exported it anew.
  expect(new Set(files).size).toBe(kept.length);
  expect(leftovers([base])).toEqual([path]);
});

test('many steps one after another leave nothing but what is kept', async () => {
  const { step, path } = held();
  await step();
  const before = readdirSync(path);
  for (let count = 0; count < 20; count++) expect(discoveries(await step(1))).toBe(0);
  expect(readdirSync(path)).toEqual(before);
});

test.each([0, 1])(
  'if something is mapped there in rank %i, it is the same topology at another address',
  async (rank) => {
    const { step, topologies } = held();
    const first = await step();
    const { address = 0, length = 0 } = first[0]?.outcome ?? {};
    const TAKEN = `${rank}:${address}:${length}`;
    const second = await step(2, { TAKEN }, [process.execPath, fixture('taken.mjs')]);
    // Where it is taken in the leader itself, that cannot map it to copy it.
    expect(discoveries(second)).toBe(rank === 0 ? 1 : 0);
    expect(addressOf(second)).not.toBe(address);
    expect(second[0]?.tree).toBe(first[0]?.tree);
    expect(topologies()).toHaveLength(1);
    const third = await step();
    expect([discoveries(third), addressOf(third)]).toEqual([0, address]);
  },
);

test('a step with data of its own copies the kept topology behind it', async () => {
  const { step } = held();
  const first = await step();
  const second = await step(2, { SHARE_BYTES: '100000' });
  expect(discoveries(second)).toBe(0);
  expect(second[0]?.outcome.kept).toBeDefined();
  expect(second[0]?.tree).toBe(first[0]?.tree);
});

test('steps that ask for another topology keep theirs beside it', async () => {
  const { step, topologies } = held();
  const other = { HWLOC_SYNTHETIC: 'pack:1 core:4 pu:1' };
  expect(discoveries(await step(2, other))).toBe(1);
  const first = await step();
  expect([discoveries(first), first[0]?.counts.PU]).toEqual([1, 32]);
  const second = await step(2, other);
  expect([discoveries(second), second[0]?.counts.PU]).toEqual([0, 4]);
  expect(discoveries(await step(2, { HWLOC_SHARE_IO: 'all' }))).toBe(1);
  expect(topologies()).toHaveLength(3);
});

test('eight topologies are kept, the newest', async () => {
  const { step, topologies } = held();
  for (let cores = 1; cores <= 10; cores++) await step(1, { HWLOC_SYNTHETIC: `core:${cores} pu:1` });
  expect(topologies()).toHaveLength(8);
  expect(discoveries(await step(1, { HWLOC_SYNTHETIC: 'core:10 pu:1' }))).toBe(0);
  expect(discoveries(await step(1, { HWLOC_SYNTHETIC: 'core:1 pu:1' }))).toBe(1);
});

test('a changed XML file is read again', async () => {
  const file = join(temporaryFolder(), 'machine.xml');
  const describe = async (synthetic: string) => {
    const topology = await loadTopology({ source: { synthetic } });
    writeFileSync(file, topology.exportXml());
    topology.close();
  };
  await describe('core:4 pu:1');
  const { step } = held({ HWLOC_XMLFILE: file });
  expect((await step())[0]?.counts.PU).toBe(4);
  expect(discoveries(await step())).toBe(0);
  await describe('core:6 pu:1');
  const changed = await step();
  expect([discoveries(changed), changed[0]?.counts.PU]).toEqual([1, 6]);
  expect(discoveries(await step())).toBe(0);
});

test('a machine whose CPU went offline is discovered again', async () => {
  const root = temporaryFolder();
  const system = join(root, 'sys/devices/system');
  for (const cpu of [0, 1, 2, 3]) {
    mkdirSync(join(system, `cpu/cpu${cpu}/topology`), { recursive: true });
    const write = (name: string, text: string) => {
      writeFileSync(join(system, `cpu/cpu${cpu}`, name), text);
    };
    write('topology/core_id', `${cpu}\n`);
    write('topology/physical_package_id', '0\n');
    write('topology/core_cpus', `${(1 << cpu).toString(16)}\n`);
    write('topology/thread_siblings', `${(1 << cpu).toString(16)}\n`);
    write('topology/core_siblings', 'f\n');
    write('topology/package_cpus', 'f\n');
    write('online', '1\n');
  }
  writeFileSync(join(system, 'cpu/online'), '0-3\n');
  writeFileSync(join(system, 'cpu/possible'), '0-3\n');
  mkdirSync(join(root, 'proc'));
  writeFileSync(join(root, 'proc/meminfo'), 'MemTotal:       16384000 kB\n');
  const { step } = held({ HWLOC_FSROOT: root, HWLOC_COMPONENTS: 'linux,stop' });
  expect((await step())[0]?.counts.PU).toBe(4);
  expect(discoveries(await step())).toBe(0);
  writeFileSync(join(system, 'cpu/cpu3/online'), '0\n');
  writeFileSync(join(system, 'cpu/online'), '0-2\n');
  const changed = await step();
  expect([discoveries(changed), changed[0]?.counts.PU]).toEqual([1, 3]);
  expect(discoveries(await step())).toBe(0);
});

test('a step whose channel is under another root writes a copy of what is kept', async () => {
  const { step, base } = held();
  const first = await step();
  // The ranks look under both roots; the channel of the job is made under the better one.
  const other = mkdtempSync(join(temporaryFolder(), 'root-'));
  const env = { HWLOC_SHARE_DIR: other, XDG_RUNTIME_DIR: base };
  const command = wrapper('local', '-n', '2', ...reporter);
  const { stdout, stderr } = await runJob(command, { env: { ...machine, ...env } });
  expect(stderr).toBe('');
  const second = reportsIn(stdout);
  expect(second.map(({ outcome }) => outcome.how)).toEqual(['adopted', 'adopted']);
  expect([discoveries(second), second[0]?.tree]).toEqual([0, first[0]?.tree]);
  expect(second[0]?.outcome.generation).toBe(1);
  expect(leftovers([other])).toEqual([]);
});

test('what is damaged is not used, and the step discovers', async () => {
  const { step, topologies } = held();
  const first = await step();
  const [file] = topologies();
  writeFileSync(file?.path ?? '', 'not a topology');
  const second = await step();
  expect([discoveries(second), second[0]?.tree]).toEqual([1, first[0]?.tree]);
});

test('a channel that its last holder left is not used, and the next job removes it', async () => {
  const { step, base, path, roots } = held();
  await step();
  const copy = join(roots[0] ?? '', 'copy');
  cpSync(path, copy, { recursive: true, filter: (source) => !/\/(lobby|gate\.1)$/.test(source) });
  expect(keptPath(roots, hostname())).toBe(path);
  expect(leftovers([base]).sort()).toEqual([copy, path]);
  await step();
  expect(leftovers([base])).toEqual([path]);
  rmSync(copy, { recursive: true, force: true });
});

test('the report says since when it was kept', async () => {
  const { step, base, topologies } = held();
  const report = async () => {
    const file = join(temporaryFolder(), 'report.json');
    const command = wrapper('--report', file, '--verbose', 'local', '-n', '2', ...reporter);
    const { stderr } = await runJob(command, { env: { ...machine, HWLOC_SHARE_DIR: base } });
    return { stderr, document: reportIn(file) };
  };
  const first = await report();
  const second = await report();
  expect(first.document.steps[0]?.nodes[0]?.kept).toBe(null);
  expect(first.stderr).not.toContain('kept');
  const node = second.document.steps[0]?.nodes[0];
  expect(node).toMatchObject({ discoveries: 0, discoveriesSaved: 2 });
  expect(node?.kept?.since).toBe(new Date(topologies()[0]?.since ?? 0).toISOString());
  expect(node?.kept?.seconds).toBeGreaterThanOrEqual(0);
  expect(second.stderr).toMatch(/2 of 2 ranks: one topology at 0x[0-9a-f]+, \d+ bytes, kept for \d+ s; /);
  expect(discoveries(await step())).toBe(0);
});

/** Waits until the wrapper in front of a script holds the place, then runs each step. */
const script = (base: string, ...steps: readonly (readonly string[])[]) => [
  'sh',
  '-c',
  `until [ -e '${base}/hwloc-share-${ownUid()}/kept@${hostname()}' ]; do sleep 0.02; done; ` +
    steps.map((step) => step.map((word) => `'${word}'`).join(' ')).join(' && '),
];

/** Runs a script of two steps behind the wrapper. */
async function runScript(step: readonly string[], env: JobOptions['env'] = {}) {
  const base = memoryFolder();
  const job = await runJob(wrapper(...script(base, step, step)), {
    env: { ...machine, ...env, HWLOC_SHARE_DIR: base },
    timeoutMs: 60_000,
  });
  expect(job, job.stderr).toMatchObject({ exitCode: 0, stderr: '' });
  expect(leftovers([base])).toEqual([]);
  expect(await processesLeft(() => processesWith(job.marker))).toEqual([]);
  return reportsIn(job.stdout);
}

function expectOneDiscovery(reports: readonly Report[]) {
  expect(reports.map(({ outcome }) => outcome.how)).toEqual(Array(4).fill('adopted'));
  expect(discoveries(reports)).toBe(1);
  expect(new Set(reports.map(({ outcome }) => outcome.address)).size).toBe(1);
  expect(reports.filter(({ outcome }) => outcome.kept !== undefined)).toHaveLength(1);
}

describe('the wrapper in front of a script', () => {
  test('keeps the topology from step to step, and removes it at the end', async () => {
    expectOneDiscovery(await runScript(wrapper('local', '-n', '2', ...reporter)));
  });

  for (const name of ['openmpi', 'mpich'] as const) {
    launcher(name).describe(name, () => {
      test.each([
        ['without', (words: readonly string[]) => words],
        ['with', (words: readonly string[]) => wrapper(...words)],
      ])('so it does for steps %s a wrapper of their own', async (_, words) => {
        expectOneDiscovery(await runScript(words(launcherCommands[name](2, reporter))));
      });
    });
  }

  launcher('slurm').describe('slurm', () => {
    let slurm: Slurm;
    beforeAll(async () => {
      slurm = await startSlurm();
    });
    afterAll(() => slurm.stop());

    test('so it does for jobs of srun', async () => {
      const step = ['srun', '--quiet', '--oversubscribe', '-n', '2', ...reporter];
      expectOneDiscovery(await runScript(step, slurm.env));
    }, 90_000);

    test('hold as a job step of its own keeps it for the steps of an allocation', async () => {
      const base = memoryFolder();
      const hold = ['srun', '--overlap', '--ntasks-per-node=1', ...wrapper('hold')];
      const step = ['srun', '--overlap', '-n', '2', ...reporter];
      const words = (command: readonly string[]) => command.map((word) => `'${word}'`).join(' ');
      const [, , steps = ''] = script(base, step, step);
      const job = await runJob(
        ['salloc', '--quiet', '-n', '2', 'bash', '-c', `${words(hold)} & ${steps}; kill -USR1 %1; wait`],
        { env: { ...machine, ...slurm.env, HWLOC_SHARE_DIR: base }, timeoutMs: 60_000 },
      );
      expectOneDiscovery(reportsIn(job.stdout));
      expect(await processesLeft(() => processesWith(job.marker))).toEqual([]);
      expect(leftovers([base])).toEqual([]);
    }, 90_000);
  });
});

test('a holder that is killed in the middle of a step costs the step nothing, and the next job removes what it left', async () => {
  const base = memoryFolder();
  const env = { ...machine, HWLOC_SHARE_DIR: base };
  const holder = startJob(wrapper('hold'), { env });
  await holder.printed(/holding/);
  const path = join(base, `hwloc-share-${ownUid()}`, `kept@${hostname()}`);
  const step = (more: JobOptions['env'] = {}) =>
    startJob(wrapper('local', '-n', '2', ...reporter), { env: { ...env, ...more } });
  expect(discoveries(reportsIn((await step().result).stdout))).toBe(1);
  const second = step({ STAY: '500' });
  await second.printed(/outcome/);
  process.kill(holder.pid, 'SIGKILL');
  await holder.result;
  const { exitCode, stderr, stdout } = await second.result;
  expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
  expect(reportsIn(stdout).map(({ outcome }) => outcome.how)).toEqual(['adopted', 'adopted']);
  expect(discoveries(reportsIn(stdout))).toBe(0);
  expect(discoveries(reportsIn((await step().result).stdout))).toBe(1);
  expect(leftovers([base])).not.toContain(path);
});
