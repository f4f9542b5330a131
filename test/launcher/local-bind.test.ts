// The built-in launcher binds each rank to a core.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { CpuSet, type Topology, loadTopology } from '../../src/hwloc/index.js';
import { coresIn } from '../../src/launcher/run/cores.js';
import { setThreadAffinity, threadAffinity } from '../../src/libc/index.js';
import { type JobResult, runJob } from '../support/job.js';
import { installed } from '../support/programs.js';
import { temporaryFolder } from '../support/temporary.js';
import { wrapper } from '../support/wrapper.js';

const own = CpuSet.from(threadAffinity());
let topology: Topology;
beforeAll(async () => {
  topology = await loadTopology();
});
afterAll(() => {
  topology.close();
});

/** The cores that this process may use, as libhwloc knows them. */
function cores(): string[] {
  return topology
    .objects('Core')
    .map(({ cpuset }) => cpuset.intersection(own))
    .filter((cpus) => !cpus.isEmpty)
    .map((cpus) => cpus.toListString());
}

const tell = 'echo $HWLOC_SHARE_RANK $(grep Cpus_allowed_list /proc/self/status | cut -f 2)';

function bound(ranks: number, script = tell, before: readonly string[] = []): Promise<JobResult> {
  const words = wrapper(
    'local',
    '-n',
    String(ranks),
    '--bind-to',
    'core',
    'sh',
    '-c',
    script,
    'sh',
    own.toListString(),
  );
  return runJob([...before, ...words], { env: { HWLOC_SHARE_DIR: temporaryFolder() } });
}

/** The CPUs of each rank, by its number. */
function cpusOf({ stdout }: JobResult): string[] {
  const pairs = stdout
    .trim()
    .split('\n')
    .map((line) => line.split(' '));
  return pairs.sort(([a], [b]) => Number(a) - Number(b)).map(([, cpus = '']) => cpus);
}

describe('with --bind-to core', () => {
  test('each rank has a core of its own', async () => {
    const job = await bound(cores().length);
    expect(cpusOf(job).sort()).toEqual(cores().sort());
    expect(job).toMatchObject({ stderr: '', exitCode: 0 });
  });

  test('more ranks than cores share them, and one line says so', async () => {
    const count = cores().length;
    const job = await bound(count + 1);
    const cpus = cpusOf(job);
    expect(cpus[count]).toBe(cpus[0]);
    expect(job.stderr).toBe(
      `hwloc-share: --bind-to core: ${count + 1} ranks share ${count} core${count === 1 ? '' : 's'}\n`,
    );
  });

  test('the command itself is bound no longer', async () => {
    const parents = 'grep Cpus_allowed_list /proc/$PPID/status | cut -f 2';
    const job = await bound(2, `until [ "$(${parents})" = "$1" ]; do sleep 0.05; done; echo free`);
    expect(job).toMatchObject({ stdout: 'free\nfree\n', exitCode: 0 });
  });

  test('words that are not UTF-8 do not keep a rank from its core', async () => {
    const words = wrapper('local', '-n', '1', '--bind-to', 'core', 'sh', '-c', tell, 'sh');
    const job = await runJob(['sh', '-c', 'exec "$@" "$(printf "a\\377b")"', 'sh', ...words], {
      env: { HWLOC_SHARE_DIR: temporaryFolder() },
    });
    expect(cores()).toContain(cpusOf(job)[0]);
  });

  installed('taskset').test('only cores count that the command may use', async () => {
    const last = cores().at(-1) ?? '';
    const job = await bound(2, tell, ['taskset', '-c', last]);
    expect(cpusOf(job)).toEqual([last, last]);
    expect(job.stderr).toBe('hwloc-share: --bind-to core: 2 ranks share 1 core\n');
  });
});

test('without it, or with --bind-to none, ranks are not bound', async () => {
  for (const words of [[], ['--bind-to', 'none']]) {
    const job = await runJob(wrapper('local', '-n', '2', ...words, 'sh', '-c', tell), {
      env: { HWLOC_SHARE_DIR: temporaryFolder() },
    });
    expect(cpusOf(job)).toEqual([own.toListString(), own.toListString()]);
  }
});

test('a thread can be bound to CPUs that it has, and to no others', () => {
  const [first = 0] = own;
  setThreadAffinity([first]);
  expect(threadAffinity()).toEqual([first]);
  setThreadAffinity(own);
  expect(threadAffinity()).toEqual(own.toArray());
  expect(() => {
    setThreadAffinity([8191]);
  }).toThrow('sched_setaffinity: EINVAL: this process may use none of these CPUs');
});

describe('the cores of a machine', () => {
  /** Two packages of two cores with two threads each, numbered as Intel's are: CPUs 0 and 4 are one core; packages alternate. */
  const files = (cpu: number, name: string) => {
    if (name === 'core_cpus_list') return `${cpu % 4},${(cpu % 4) + 4}`;
    return name === 'physical_package_id' ? String(cpu % 2) : undefined;
  };
  const lists = (cpus: string, read = files) =>
    coresIn(CpuSet.parseList(cpus), read).map((core) => core.toListString());

  test('come by package, each with all threads of it', () => {
    expect(lists('0-7')).toEqual(['0,4', '2,6', '1,5', '3,7']);
  });

  test('have no CPUs that the process may not use', () => {
    expect(lists('1-4')).toEqual(['2', '4', '1', '3']);
    expect(lists('6')).toEqual(['6']);
  });

  test('are known by the names of older kernels, too', () => {
    const older = (cpu: number, name: string) =>
      files(cpu, name === 'thread_siblings_list' ? 'core_cpus_list' : name === 'core_cpus_list' ? '' : name);
    expect(lists('0-7', older)).toEqual(['0,4', '2,6', '1,5', '3,7']);
  });

  test('are the CPUs where nothing is known of them', () => {
    expect(lists('0-2', () => undefined)).toEqual(['0', '1', '2']);
  });
});
