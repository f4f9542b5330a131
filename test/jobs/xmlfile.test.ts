// --xmlfile: programs that know nothing of us find the topology of their node, and discover nothing.
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync, rmdirSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { sweep } from '../../src/channel/index.js';
import { needsTwoPrograms } from '../launchers/mpi.js';
import { type Slurm, startSlurm } from '../launchers/slurm.js';
import { installed } from '../support/programs.js';
import { withoutHwlocErrors } from '../support/hwloc-errors.js';
import { type JobOptions, runJob, startJob } from '../support/job.js';
import { type LauncherName, launcherCommands, launcherPrograms } from '../support/jobs.js';
import { sendSignal, startTimeOf } from '../support/processes.js';
import { expectAllAdopted, fixture, reporter, runSharedJob } from '../support/shared-job.js';
import { memoryFolder, temporaryFolder } from '../support/temporary.js';
import { distFile, wrapper } from '../support/wrapper.js';

/** What test/jobs/fixtures/hwloc-user.mjs prints. */
interface Seen {
  rank: number;
  node: string;
  status: number;
  stderr: string;
  /** Files below /sys/devices/system that were opened. */
  discovered: number;
  file?: string;
  components?: string;
  tree: string;
  /** The tree without the file. */
  native: string;
  pus: number;
}

const hwlocUser = [process.execPath, fixture('hwloc-user.mjs')];

async function seenBy(command: readonly string[], options: JobOptions = {}) {
  const { stdout, stderr } = await runSharedJob(command, options);
  const lines = stdout.split(/\r?\n/).filter((line) => line.startsWith('{'));
  return { seen: lines.map((line) => JSON.parse(line) as Seen).sort((a, b) => a.rank - b.rank), stderr };
}

const programs = ['lstopo-no-graphics', 'strace'];
const withLauncher = (name: LauncherName) => installed(...launcherPrograms[name], ...programs);

installed(...programs).test(
  'a program that uses hwloc discovers the machine where it has no file',
  async () => {
    const { seen } = await seenBy(hwlocUser, { env: { HWLOC_SHARE_RANK: '0' } });
    expect(seen).toMatchObject([{ status: 0, tree: seen[0]?.native }]);
    expect(seen[0]?.discovered).toBeGreaterThan(10);
  },
);

/** All ranks have the file, and see by it what they would have discovered. */
function expectNoDiscovery(seen: readonly Seen[], ranks: number) {
  expect(seen.map(({ rank }) => rank)).toEqual([...Array(ranks).keys()]);
  for (const each of seen) {
    expect(each).toMatchObject({ status: 0, stderr: '', discovered: 0, tree: each.native });
    expect(each.file).toMatch(/^\//);
  }
}

/** How many files of hwloc's discovery each program opened, by what strace wrote of a whole job. */
function discoveriesIn(trace: string): Record<string, number> {
  const programs = new Map<string, string>();
  const counts: Record<string, number> = {};
  for (const line of readFileSync(trace, 'latin1').split('\n')) {
    const [, pid = '', call, path = ''] = /^(\d+) +(\w+)\(.*?"([^"]*)"/.exec(line) ?? [];
    if (call === 'execve') programs.set(pid, path.replace(/^.*\//, ''));
    // The files that hwloc reads of each CPU. Others are read by libnuma and UCX, too.
    if (!/^\/sys\/devices\/system\/cpu\/cpu\d+\/topology\//.test(path)) continue;
    const program = programs.get(pid) ?? '';
    counts[program] = (counts[program] ?? 0) + 1;
  }
  return counts;
}

async function discoveriesOf(command: readonly string[]): Promise<Record<string, number>> {
  const trace = join(temporaryFolder(), 'trace');
  await runSharedJob([
    'strace',
    '-f',
    '--seccomp-bpf',
    '-qq',
    '-e',
    'trace=execve,open,openat',
    '-o',
    trace,
    ...command,
  ]);
  return discoveriesIn(trace);
}

/** A program that starts MPICH and ends it. (Debian's mpicc.mpich lacks its headers.) */
function mpichProgram(): string {
  const folder = temporaryFolder();
  const [source, program] = [join(folder, 'mpi.c'), join(folder, 'mpi-program')];
  const declared = 'int MPI_Init(int *, char ***); int MPI_Finalize(void);';
  writeFileSync(source, `${declared}\nint main(void) { MPI_Init(0, 0); return MPI_Finalize(); }\n`);
  execFileSync('cc', [source, '-o', program, '-l:libmpich.so.12'], { stdio: 'ignore' });
  return program;
}

installed(...programs).describe('the built-in launcher', () => {
  const local = (ranks: number, ...program: string[]) =>
    wrapper('--xmlfile', 'local', '-n', String(ranks), ...program);

  test('no rank discovers anything, and each sees what it would have discovered', async () => {
    const { seen, stderr } = await seenBy(local(3, ...hwlocUser));
    expectNoDiscovery(seen, 3);
    expect(stderr).toBe('');
    expect(new Set(seen.map(({ file }) => file)).size).toBe(1);
  });

  test('--verbose says that the file was written', async () => {
    const { stderr } = await runSharedJob(wrapper('--verbose', '--xmlfile', 'local', '-n', '2', 'true'));
    expect(stderr).toMatch(/^hwloc-share: node \S+: wrote the topology for HWLOC_XMLFILE, \d+ bytes\n/);
  });

  test('binding is real', async () => {
    const bind = ['hwloc-bind', 'core:0', '--', 'hwloc-bind', '--get'];
    const { stdout } = await runSharedJob(local(1, ...bind));
    expect(stdout).toBe((await runJob(bind)).stdout);
    const other = await runJob(bind, { env: { HWLOC_SYNTHETIC: 'pu:2' } });
    if (cpus().length > 1) expect(stdout).not.toBe(other.stdout);
  });

  test('what a user asks for otherwise, goes: all I/O objects, all caches', async () => {
    const options = ['--whole-io', '--filter', 'all:all', '--disallowed', '-s'];
    const { stdout } = await runSharedJob(local(1, 'lstopo-no-graphics', ...options));
    expect(stdout).toBe((await runJob(['lstopo-no-graphics', ...options])).stdout);
  });

  test('our own ranks share what they would have shared', async () => {
    const [plain, withFile] = [
      await runSharedJob(wrapper('local', '-n', '3', ...reporter)),
      await runSharedJob(local(3, ...reporter)),
    ];
    expectAllAdopted(withFile.reports, 3);
    expect(withFile.stderr).toBe('');
    for (const [rank, report] of withFile.reports.entries()) {
      const { counts, depth, allowed, isThisSystem } = report;
      expect({ counts, depth, allowed, isThisSystem }).toEqual(
        expect.objectContaining({
          counts: plain.reports[rank]?.counts,
          depth: plain.reports[rank]?.depth,
          allowed: plain.reports[rank]?.allowed,
          isThisSystem: true,
        }),
      );
    }
  });

  test.each([
    ['HWLOC_XMLFILE', '/not/there.xml'],
    ['HWLOC_SYNTHETIC', 'pack:2 core:2 pu:1'],
    ['HWLOC_FSROOT', '/'],
    ['HWLOC_CPUID_PATH', '/not/there'],
  ])('%s of the user stays, and a line says so', async (name, value) => {
    const { stdout, stderr } = await runSharedJob(
      local(
        1,
        'sh',
        '-c',
        `echo "$${name} $HWLOC_THISSYSTEM"; ls -A $HWLOC_SHARE_DIR/* | grep xmlfile; true`,
      ),
      { env: { [name]: value } },
    );
    expect(stdout).toBe(`${value} \n`);
    expect(stderr).toContain(`hwloc-share: --xmlfile: ${name} is set already, and stays as it is\n`);
  });

  test('HWLOC_COMPONENTS holds for the discovery, and is not in the way of the file', async () => {
    const components = 'no_os,stop';
    const env = { HWLOC_COMPONENTS: components };
    const { seen } = await seenBy(local(1, ...hwlocUser), { env: { ...env, NATIVE_COMPONENTS: components } });
    expect(seen[0]).toMatchObject({ discovered: 0, tree: seen[0]?.native });
    expect(seen[0]).not.toHaveProperty('components');
    const other = await seenBy(local(1, ...hwlocUser), { env });
    expect(other.seen[0]?.tree).not.toBe(other.seen[0]?.native);
  });

  test('where the machine cannot be discovered, a line says so, and the job runs', async () => {
    const { stdout, stderr } = await runSharedJob(local(1, 'sh', '-c', 'echo "[$HWLOC_XMLFILE]"'), {
      env: { HWLOC_COMPONENTS: 'stop' },
    });
    expect(stdout).toBe('[]\n');
    expect(withoutHwlocErrors(stderr)).toMatch(
      /^hwloc-share: node \S+: no XML file: .*; programs discover the machine for themselves\n$/,
    );
  });

  test('programs that a rank starts find the topology by the variables that OpenPMIx documents', async () => {
    const { stdout, stderr } = await runSharedJob(
      local(2, process.execPath, fixture('pmix-parent.mjs'), distFile('.')),
    );
    const [first, second] = stdout.trimEnd().split('\n').sort();
    expect(first).toMatch(/^rank 0 at (0x[\da-f]+): its child has \d+ PUs at \1$/);
    expect(second).toBe(first?.replace('rank 0', 'rank 1'));
    expect(stderr).toBe('');
  });

  test('without --xmlfile, or with data in front of the topology, those variables are not set', async () => {
    const parent = [process.execPath, fixture('pmix-parent.mjs'), distFile('.')];
    const without = await runSharedJob(wrapper('local', '-n', '1', ...parent));
    const withData = await runSharedJob(local(1, ...parent), { env: { WITH_DATA: '1' } });
    for (const { stdout } of [without, withData]) {
      expect(stdout).toMatch(/^rank 0 at 0x[\da-f]+: its child has nothing\n$/);
    }
  });

  test('after a wrapper that was killed, a program that comes later discovers for itself; nothing is left', async () => {
    const dir = memoryFolder();
    const root = join(dir, `hwloc-share-${process.getuid?.() ?? 0}`);
    const script =
      'echo "up $$"; while [ ! -e $HWLOC_SHARE_DIR/end ]; do sleep 0.1; done; echo "has $(lstopo-no-graphics --only pu | wc -l)"';
    const job = startJob(local(1, 'sh', '-c', script), { env: { HWLOC_SHARE_DIR: dir } });
    await job.printed(/up \d+/);
    expect(sendSignal(job.pid, 'SIGKILL')).toBe(true);
    while (startTimeOf(job.pid) !== undefined) await sleep(20);
    const swept: string[] = [];
    await expect.poll(() => swept.push(...sweep(root)), { timeout: 5000 }).toBe(2);
    writeFileSync(join(dir, 'end'), '');
    const { stdout } = await job.result;
    expect(stdout).toContain(`has ${cpus().length}\n`);
    rmSync(dir, { recursive: true });
  });
});

for (const name of ['openmpi', 'mpich'] as const) {
  withLauncher(name).describe(name, () => {
    test('no rank discovers anything, and each sees what it would have discovered', async () => {
      const { seen, stderr } = await seenBy(wrapper('--xmlfile', ...launcherCommands[name](4, hwlocUser)));
      expectNoDiscovery(seen, 4);
      expect(stderr).toBe('');
    });

    test('our own ranks share', async () => {
      const { reports, stderr } = await runSharedJob(
        wrapper('--xmlfile', ...launcherCommands[name](4, reporter)),
      );
      expectAllAdopted(reports, 4);
      expect(reports.every(({ isThisSystem }) => isThisSystem)).toBe(true);
      expect(stderr).toBe('');
    });

    test('several programs at once', async (context) => {
      await needsTwoPrograms(name, context);
      const words = [...launcherCommands[name](1, hwlocUser), ':', '-n', '2', ...hwlocUser];
      expectNoDiscovery((await seenBy(wrapper('--xmlfile', ...words))).seen, 3);
    });

    test('the status is the program’s, and what it is told another way stays', async () => {
      const failing = wrapper('--xmlfile', ...launcherCommands[name](1, ['sh', '-c', 'sleep 0.3; exit 7']));
      const { exitCode } = await runJob(failing, { env: { HWLOC_SHARE_DIR: temporaryFolder() } });
      expect(exitCode).toBe(7);
      const told =
        name === 'openmpi' ? ['-x', 'HWLOC_XMLFILE=/own.xml'] : ['-genv', 'HWLOC_XMLFILE', '/own.xml'];
      const [command = '', ...rest] = launcherCommands[name](1, ['sh', '-c', 'echo $HWLOC_XMLFILE']);
      const { stdout, stderr } = await runSharedJob(wrapper('--xmlfile', command, ...told, ...rest));
      expect(stdout.trim()).toBe('/own.xml');
      expect(stderr).toBe('hwloc-share: --xmlfile: HWLOC_XMLFILE is set already, and stays as it is\n');
    });
  });
}

withLauncher('openmpi').describe('Open MPI itself', () => {
  const job = launcherCommands.openmpi(2, ['true']);

  test('mpirun skips its discovery', async () => {
    // From version 5 on, mpirun becomes prterun.
    const ofMpirun = ({ 'mpirun.openmpi': before5 = 0, prterun = 0 }) => before5 + prterun;
    expect(ofMpirun(await discoveriesOf(wrapper(...job)))).toBeGreaterThan(0);
    expect(ofMpirun(await discoveriesOf(wrapper('--xmlfile', ...job)))).toBe(0);
  });

  test('a program that is in the working directory only is found', async () => {
    const cwd = temporaryFolder();
    writeFileSync(join(cwd, 'only-here'), '#!/bin/sh\necho "$HWLOC_XMLFILE"\n', { mode: 0o755 });
    const { stdout } = await runSharedJob(
      wrapper('--xmlfile', ...launcherCommands.openmpi(1, ['only-here'])),
      {
        cwd,
      },
    );
    expect(stdout).toMatch(/^\/.*topology.xml/);
  });
});

withLauncher('mpich').describe('MPICH itself', () => {
  installed('cc').test('neither MPI_Init nor Hydra discovers anything', async () => {
    const job = launcherCommands.mpich(2, [mpichProgram()]);
    // In 4.2 and later, the proxy does it for all ranks of its node.
    const ofMpich = ({ 'mpi-program': ranks = 0, hydra_pmi_proxy: proxy = 0 }) => ranks + proxy;
    expect(ofMpich(await discoveriesOf(wrapper(...job)))).toBeGreaterThan(0);
    expect(ofMpich(await discoveriesOf(wrapper('--xmlfile', ...job)))).toBe(0);
  });
});

withLauncher('slurm').describe('slurm', () => {
  let slurm: Slurm;
  beforeAll(async () => {
    slurm = await startSlurm();
  });
  afterAll(() => slurm.stop());
  const options = () => ({ env: slurm.env });

  test('no rank discovers anything, and each sees what it would have discovered', async () => {
    const job = wrapper('--xmlfile', ...launcherCommands.slurm(4, hwlocUser));
    const { seen, stderr } = await seenBy(job, options());
    expectNoDiscovery(seen, 4);
    expect(stderr).toBe('');
  });

  test('our own ranks share', async () => {
    const { reports, stderr } = await runSharedJob(
      wrapper('--xmlfile', ...launcherCommands.slurm(4, reporter)),
      options(),
    );
    expectAllAdopted(reports, 4);
    expect(stderr).toBe('');
  });

  test('a step in an allocation', async () => {
    const step = wrapper('--xmlfile', 'srun', '--overlap', '-n', '2', ...hwlocUser);
    const { seen } = await seenBy(['salloc', '-Q', '-n', '2', ...step], options());
    expectNoDiscovery(seen, 2);
  });

  test('the job has the name of its program, and a program in the working directory is found', async () => {
    const cwd = temporaryFolder();
    writeFileSync(join(cwd, 'only-here'), '#!/bin/sh\necho "$SLURM_JOB_NAME $HWLOC_THISSYSTEM"\n', {
      mode: 0o755,
    });
    const { stdout } = await runSharedJob(wrapper('--xmlfile', 'srun', '-n', '1', 'only-here'), {
      ...options(),
      cwd,
    });
    expect(stdout).toBe('only-here 1\n');
  });

  test('options that stand in the way are named, and the job runs', async () => {
    const file = join(temporaryFolder(), 'programs');
    writeFileSync(file, '0 /bin/true\n');
    const { stderr } = await runSharedJob(
      wrapper('--xmlfile', 'srun', '-n', '1', '--multi-prog', file),
      options(),
    );
    expect(stderr).toBe(
      'hwloc-share: --xmlfile does not work with these options of the launcher; programs discover the machine for themselves\n',
    );
  });
});

test('a launcher that is not known is run all the same, and a line says so', async () => {
  const { stdout, stderr } = await runSharedJob(
    wrapper('--xmlfile', 'env', 'sh', '-c', 'echo "[$HWLOC_XMLFILE]"'),
  );
  expect(stdout).toBe('[]\n');
  expect(stderr).toMatch(/^hwloc-share: --xmlfile does not work with this launcher; .*\n$/);
});

// cpusets of cgroup v1, which is what our machines have.
const hierarchy = '/sys/fs/cgroup/cpuset';
const canMakeCpusets =
  process.getuid?.() === 0 && existsSync(join(hierarchy, 'cpuset.cpus')) && cpus().length >= 2;

describe.skipIf(!canMakeCpusets)('ranks in different cpusets', () => {
  const group = join(hierarchy, `hwloc-share-xmlfile-${process.pid}`);
  const makeCpuset = (path: string, allowed: string) => {
    mkdirSync(path);
    writeFileSync(join(path, 'cpuset.cpus'), allowed);
    writeFileSync(join(path, 'cpuset.mems'), readFileSync(join(hierarchy, 'cpuset.mems')));
  };
  beforeAll(() => {
    makeCpuset(group, '0-1');
    makeCpuset(join(group, '0'), '0');
    makeCpuset(join(group, '1'), '1');
  });
  afterAll(() => {
    for (const path of [join(group, '0'), join(group, '1'), group]) rmdirSync(path);
  });
  const inCpusets = (...program: string[]) =>
    wrapper('--xmlfile', 'local', '-n', '2', 'sh', fixture('in-cpuset.sh'), ...program);

  test('see each the CPUs that are theirs', async () => {
    const { seen } = await seenBy(inCpusets(...hwlocUser), { env: { CPUSETS: group } });
    expect(seen.map(({ pus, discovered }) => ({ pus, discovered }))).toEqual([
      { pus: 1, discovered: 0 },
      { pus: 1, discovered: 0 },
    ]);
    expect(new Set(seen.map(({ tree }) => tree)).size).toBe(2);
  });

  test('share, if they join, a topology that holds the CPUs of all of them', async () => {
    const { reports } = await runSharedJob(inCpusets(...reporter), { env: { CPUSETS: group } });
    expectAllAdopted(reports, 2);
    for (const { counts } of reports) expect(counts.PU).toBe(cpus().length);
    expect(reports.map(({ allowed }) => allowed.cpus)).toEqual(['0', '1']);
  });

  test('whose wrapper is in one of them, see theirs all the same', async () => {
    const command = [
      'sh',
      '-c',
      'echo $$ >"$CPUSETS/1/cgroup.procs"; exec "$@"',
      'sh',
      ...inCpusets(...hwlocUser),
    ];
    const { seen } = await seenBy(command, { env: { CPUSETS: group } });
    expect(seen.map(({ pus }) => pus)).toEqual([1, 1]);
    expect(new Set(seen.map(({ tree }) => tree)).size).toBe(2);
  });
});
