// Binding for real: each rank of a small job, a process of its own, binds itself and looks at /proc/self/status.

import { closeSync, openSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { CpuSet, NodeSet, NotSupportedError, type Topology, loadTopology } from '../../../src/hwloc/index.js';
import { temporaryFolder } from '../../support/temporary.js';
import { distFile } from '../../support/wrapper.js';
import { type CompiledSources, compileSources } from '../support/child.js';

let sources: CompiledSources;
let topology: Topology;
let path: string;
let fd: number;
/** What a rank needs to adopt the topology. */
let where: string[];

beforeAll(async () => {
  sources = compileSources();
  topology = await loadTopology();
  path = join(tmpdir(), `hwloc-share-test-binding-${process.pid}`);
  fd = openSync(path, 'wx+', 0o600);
  const [address, length] = [0x4323_0000_0000, topology.sharedLength()];
  topology.writeTo({ fd, offset: 0, address, length });
  where = [path, String(address), String(length)];
});
afterAll(() => {
  topology.close();
  closeSync(fd);
  rmSync(path);
  sources.dispose();
});

/** The beginning of every rank: it adopts, and can look at what the kernel says of it. */
const rank = `
  import { openSync, readFileSync } from 'node:fs';
  import { adoptTopology, CpuSet, NodeSet, loadTopology } from './hwloc/index.js';
  const [path, address, length, number] = process.argv.slice(2);
  const topology = adoptTopology({ fd: openSync(path), offset: 0, address: Number(address), length: Number(length) });
  const allowed = (who) =>
    /Cpus_allowed_list:\\s*(\\S+)/.exec(readFileSync('/proc/' + who + '/status', 'utf8'))[1];
`;

/** The CPUs of a core that we may use, as a list. */
const usable = () =>
  topology.objects('Core').filter(({ cpuset }) => cpuset.isSubsetOf(topology.allowedCpuset));

describe.skipIf(availableParallelism() < 2)('on a machine with two cores', () => {
  test('each rank of a job of two binds itself to another core', async () => {
    const body = `${rank}
      const cores = topology.objects('Core').filter(({ cpuset }) => cpuset.isSubsetOf(topology.allowedCpuset));
      const { cpuset } = cores[number];
      topology.setCpuBinding(cpuset);
      const ran = topology.lastCpuLocation({ target: 'thread' });
      console.log(JSON.stringify({
        wanted: cpuset,
        kernel: allowed('self'),
        hwloc: topology.getCpuBinding(),
        strict: topology.getCpuBinding({ target: 'process', strict: true }),
        within: ran.isSubsetOf(cpuset),
      }));
    `;
    const ranks = await Promise.all(['0', '1'].map((number) => sources.run(body, [...where, number])));
    const lists = usable().map(({ cpuset }) => cpuset.toListString());
    expect(ranks).toEqual(
      [0, 1].map((number) => ({
        wanted: lists[number],
        kernel: lists[number],
        hwloc: lists[number],
        strict: lists[number],
        within: true,
      })),
    );
  });

  test('the calling thread is bound alone', async () => {
    const body = `${rank}
      const { cpuset } = topology.objects('Core').filter(({ cpuset }) => cpuset.isSubsetOf(topology.allowedCpuset))[1];
      const before = topology.getCpuBinding({ target: 'process' });
      topology.setCpuBinding(cpuset, { target: 'thread', strict: true });
      // Of the process, /proc shows the main thread, which is the calling one: hence another thread of it is asked.
      const others = (await import('node:fs')).readdirSync('/proc/self/task').filter((tid) => tid !== String(process.pid));
      let differs = '';
      try { topology.getCpuBinding({ target: 'process', strict: true }); } catch (error) { differs = error.code; }
      console.log(JSON.stringify({
        thread: allowed('thread-self') === cpuset.toListString(),
        others: others.every((tid) => allowed('self/task/' + tid) === before.toListString()),
        tid: topology.getCpuBinding({ pid: Number(others[0]), target: 'thread' }).equals(before),
        differs,
      }));
    `;
    expect(await sources.run(body, where)).toEqual({
      thread: true,
      others: true,
      tid: true,
      differs: expect.stringMatching(/^(EXDEV|EAGAIN)$/) as unknown,
    });
  });

  test('another process is bound by its pid', async () => {
    const body = `${rank}
      const { spawn } = await import('node:child_process');
      const child = spawn('sleep', ['60']);
      const { cpuset } = topology.objects('Core').filter(({ cpuset }) => cpuset.isSubsetOf(topology.allowedCpuset))[1];
      topology.setCpuBinding(cpuset, { pid: child.pid });
      const result = {
        kernel: allowed(child.pid) === cpuset.toListString(),
        hwloc: topology.getCpuBinding({ pid: child.pid }).equals(cpuset),
        ran: !topology.lastCpuLocation({ pid: child.pid }).isEmpty,
        self: !topology.getCpuBinding().equals(cpuset),
      };
      child.kill();
      let missing = '';
      await new Promise((resolve) => child.on('exit', resolve));
      try { topology.getCpuBinding({ pid: child.pid }); } catch (error) { missing = error.name; }
      console.log(JSON.stringify({ ...result, missing }));
    `;
    expect(await sources.run(body, where)).toEqual({
      kernel: true,
      hwloc: true,
      ran: true,
      self: true,
      missing: 'HwlocError',
    });
  });
});

test('memory comes from where it is bound to, and the policy is told', async () => {
  const body = `${rank}
    const binding = () => { const { nodeset, policy } = topology.getMemoryBinding({ target: 'thread' }); return [nodeset.toListString(), policy]; };
    const before = binding();
    topology.setMemoryBinding(NodeSet.of(topology.nodeset.first), 'bind', { target: 'thread', strict: true });
    const bound = binding();
    topology.setMemoryBinding(topology.objects('PU')[0].cpuset, 'interleave', { target: 'thread' });
    const interleaved = binding();
    topology.setMemoryBinding(topology.nodeset, 'default', { target: 'thread' });
    console.log(JSON.stringify({ before, bound, interleaved, after: binding() }));
  `;
  const { support, nodeset } = topology;
  if (!support.membind.setThisThread) return;
  const first = String(nodeset.first);
  const all = nodeset.toListString();
  expect(await sources.run(body, where)).toEqual({
    before: [all, 'firstTouch'],
    bound: [first, 'bind'],
    interleaved: [topology.objects('PU')[0]?.nodeset.toListString(), 'interleave'],
    after: [all, 'firstTouch'],
  });
});

test('a topology from XML that is of this system binds, too', async () => {
  const body = `${rank}
    const xml = topology.exportXml();
    const described = await loadTopology({ source: { xml } });
    const ours = await loadTopology({ source: { xml }, isThisSystem: true });
    let refused = '';
    try { described.setCpuBinding(described.cpuset); } catch (error) { refused = error.code; }
    const { cpuset } = ours.objects('PU').find(({ cpuset }) => cpuset.isSubsetOf(ours.allowedCpuset));
    ours.setCpuBinding(cpuset);
    console.log(JSON.stringify({ refused, bound: allowed('self') === cpuset.toListString() }));
  `;
  expect(await sources.run(body, where)).toEqual({ refused: 'HWLOC_SHARE_NOT_SUPPORTED', bound: true });
});

test('what is not there is said before it is tried', async () => {
  const synthetic = await loadTopology({ source: { synthetic: 'core:2 pu:1' } });
  const uses: [() => unknown, string][] = [
    [() => synthetic.getCpuBinding(), 'cpubind.getThisProcess or cpubind.getThisThread'],
    [() => synthetic.getCpuBinding({ target: 'thread' }), 'cpubind.getThisThread'],
    [() => synthetic.getCpuBinding({ pid: 1 }), 'cpubind.getProcess'],
    [() => synthetic.lastCpuLocation({ target: 'process' }), 'cpubind.getThisProcessLastLocation'],
    [() => synthetic.getMemoryBinding({ target: 'process' }), 'membind.getThisProcess'],
    [
      () => {
        synthetic.setCpuBinding(CpuSet.of(0), { target: 'thread' });
      },
      'cpubind.setThisThread',
    ],
    [
      () => {
        synthetic.setMemoryBinding(NodeSet.of(0), 'bind', { target: 'thread' });
      },
      'membind.setThisThread',
    ],
  ];
  for (const [use, feature] of uses) {
    expect(use).toThrow(NotSupportedError);
    expect(use).toThrow(expect.objectContaining({ feature, code: 'HWLOC_SHARE_NOT_SUPPORTED' }));
  }
  synthetic.close();
});

// As `flux run -o hwloc.xmlfile` leaves it to its ranks.
test('a topology of this machine that comes from a file says what must be set for it to bind', async () => {
  const file = join(temporaryFolder(), 'topology.xml');
  writeFileSync(file, topology.exportXml());
  const binds = `
    import { loadTopology } from ${JSON.stringify(distFile('hwloc/index.js'))};
    const topology = await loadTopology();
    try { topology.setCpuBinding(topology.cpuset); console.log('bound'); } catch (error) { console.log(error.message); }`;
  const run = (env: Record<string, string>) =>
    execa(process.execPath, ['--input-type=module', '-e', binds], { env: { HWLOC_XMLFILE: file, ...env } });
  expect((await run({})).stdout).toContain('if it does, set HWLOC_THISSYSTEM=1');
  expect((await run({ HWLOC_THISSYSTEM: '1' })).stdout).toBe('bound');
});

test('a policy that the system does not have is not tried, either', () => {
  const { support } = topology;
  if (support.membind.nextTouch || !support.membind.setThisThread) return;
  expect(() => {
    topology.setMemoryBinding(topology.nodeset, 'nextTouch', { target: 'thread' });
  }).toThrow(expect.objectContaining({ feature: 'membind.nextTouch' }));
});

test('an empty set, or one outside of the machine, is refused', () => {
  for (const set of [CpuSet.empty(), CpuSet.of(100_000)]) {
    expect(() => {
      topology.setCpuBinding(set, { target: 'thread' });
    }).toThrow(/EINVAL/);
  }
});
