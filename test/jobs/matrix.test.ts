// Launchers × situations, each run for real: a table of what came of it, which README.md shows.
import { existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { onCluster } from '../launchers/available.js';
import { startSlurmOn } from '../launchers/cluster-slurm.js';
import { type Cluster, processesLeftOn, startCluster } from '../launchers/cluster.js';
import { needsTwoPrograms } from '../launchers/mpi.js';
import { launcherOn } from '../support/hosts-job.js';
import { runJob } from '../support/job.js';
import { type Report, fixture, reporter, reportsIn, withoutMissing } from '../support/shared-job.js';
import { wrapper } from '../support/wrapper.js';

const launchers = ['built-in', 'Open MPI', 'MPICH', 'Slurm', 'PMIx', 'Flux', 'aprun'] as const;
type Launcher = (typeof launchers)[number];

/** A situation, and its command line under each launcher; the ranks are {@link reporter}s, unless it says otherwise. */
interface Situation {
  title: string;
  /** The launchers under which it is run. */
  on: readonly Launcher[];
  /** How many of the ranks report. */
  ranks: number;
  /** How many discoveries there must be. */
  discoveries: number;
  /** It has two programs in one job, which not every launcher can run. */
  twoPrograms?: true;
  /** What that means: all ranks of a node share, or each container is apart. */
  called?: 'share' | 'apart';
  command: (launcher: Launcher) => readonly string[];
  env?: (launcher: Launcher) => Record<string, string>;
}

const real = ['Open MPI', 'MPICH', 'Slurm'] as const;
const others = ['PMIx', 'Flux', 'aprun'] as const;
const rank = reporter.join(' ');
/** A program that never joins, and stays until the others have. */
const other = ['sh', fixture('stays.sh')];
const cpusets = '/sys/fs/cgroup/cpuset';
const group = join(cpusets, `hwloc-share-matrix-${process.pid}`);
const haveCpusets = existsSync(join(cpusets, 'cpuset.cpus')) && cpus().length >= 2;

onCluster('slurm', 'openmpi', 'mpich').describe('launchers × situations', () => {
  let cluster: Cluster;
  let slurm: Record<string, string>;
  const came = new Map<string, string>();

  beforeAll(async () => {
    cluster = await startCluster(3);
    slurm = await startSlurmOn(cluster);
    if (!haveCpusets) return;
    for (const [path, allowed] of [
      ['', '0-1'],
      ['0', '0'],
      ['1', '1'],
    ] as const) {
      mkdirSync(join(group, path));
      writeFileSync(join(group, path, 'cpuset.cpus'), allowed);
      writeFileSync(join(group, path, 'cpuset.mems'), readFileSync(join(cpusets, 'cpuset.mems')));
    }
  });
  afterAll(async () => {
    await cluster.stop();
    if (haveCpusets) for (const path of ['0', '1', '']) rmdirSync(join(group, path));
  });

  /** A job on h1 alone, or two ranks on each of the three hosts. */
  const start = (
    launcher: Launcher,
    ranks: number,
    program: readonly string[],
    hosts: 1 | 3 = 1,
  ): string[] => {
    const many = ['-n', String(ranks)];
    const as = (kind: string) => ['sh', fixture('as.sh'), kind, ...program];
    const mpi = (name: 'openmpi' | 'mpich') => launcherOn(cluster, name, hosts === 3 ? 2 : 8, hosts);
    const srun = ['srun', '-N', String(hosts), '--oversubscribe', `--ntasks-per-node=${ranks / hosts}`];
    switch (launcher) {
      case 'built-in':
        return ['local', ...many, ...program];
      case 'Open MPI':
        return [...mpi('openmpi'), ...many, ...program];
      case 'MPICH':
        return [...mpi('mpich'), ...many, ...program];
      case 'Slurm':
        return [...srun, ...many, ...program];
      case 'PMIx':
        return [...mpi('openmpi'), ...many, ...as('pmix')];
      case 'Flux':
        return [...srun, ...many, ...as('flux')];
      case 'aprun':
        return [...srun, ...many, ...as('alps')];
    }
  };
  /** A file that all hosts see. */
  const file = (name: string, text: string) => {
    const path = join(cluster.folder, name);
    writeFileSync(path, text, { mode: 0o755 });
    return path;
  };
  const folder = (name: string) => {
    const path = join(cluster.folder, name);
    mkdirSync(path);
    return path;
  };
  const srunMultiProg = (ranks: number, name: string, text: string) =>
    wrapper('srun', '-N', '1', '-n', String(ranks), '--multi-prog', file(name, text));
  const inContainer = (kind: string) => ['sh', fixture('in-container.sh'), kind, ...reporter];

  const situations: Situation[] = [
    {
      title: 'one node, behind the wrapper',
      on: launchers,
      ranks: 4,
      discoveries: 1,
      command: (launcher) => wrapper(...start(launcher, 4, reporter)),
    },
    {
      title: 'one node, without it',
      on: [...real, ...others],
      ranks: 4,
      discoveries: 1,
      command: (launcher) => start(launcher, 4, reporter),
    },
    {
      title: 'three nodes, behind the wrapper',
      on: [...real, ...others],
      ranks: 6,
      discoveries: 3,
      command: (launcher) => wrapper(...start(launcher, 6, reporter, 3)),
    },
    {
      title: 'three nodes, without it',
      on: [...real, ...others],
      ranks: 6,
      discoveries: 3,
      command: (launcher) => start(launcher, 6, reporter, 3),
    },
    {
      title: 'two programs in one job',
      on: real,
      ranks: 4,
      discoveries: 1,
      twoPrograms: true,
      command: (launcher) =>
        launcher === 'Slurm'
          ? srunMultiProg(4, 'two', `0-1 ${rank}\n2-3 ${rank} b\n`)
          : wrapper(...start(launcher, 2, reporter), ':', '-n', '2', ...reporter, 'b'),
    },
    {
      title: 'rank 0 is no Node program',
      on: real,
      ranks: 2,
      discoveries: 1,
      twoPrograms: true,
      env: (launcher) => ({ HWLOC_SHARE_DIR: folder(launcher.replace(' ', '-')) }),
      command: (launcher) =>
        launcher === 'Slurm'
          ? srunMultiProg(3, 'some', `0 ${other.join(' ')}\n1-2 ${rank}\n`)
          : wrapper(...start(launcher, 1, other), ':', '-n', '2', ...reporter),
    },
    {
      title: 'in a Slurm allocation (`salloc`)',
      on: real,
      ranks: 6,
      discoveries: 3,
      command: (launcher) => {
        const inside = {
          'Open MPI': ['mpirun.openmpi', '--allow-run-as-root', '-n', '6'],
          MPICH: ['mpirun.mpich', '-n', '6'],
          Slurm: ['srun', '-n', '6'],
        }[launcher as (typeof real)[number]];
        return [
          'salloc',
          '-Q',
          '-N',
          '3',
          '-n',
          '6',
          '--ntasks-per-node=2',
          ...wrapper(...inside, ...reporter),
        ];
      },
    },
    {
      title: 'steps of a batch script, one after another and at once',
      on: ['Slurm'],
      ranks: 12,
      discoveries: 6,
      command: () => {
        const [output, done] = [join(cluster.folder, 'steps.out'), join(cluster.folder, 'steps.done')];
        const step = `srun -N 2 -n 4 --overlap ${rank}`;
        const script = file(
          'steps.sh',
          `#!/bin/sh\n${step}\n${step} & ${step} & wait\n/usr/bin/touch ${done}\n`,
        );
        const wait = `until [ -e ${done} ]; do sleep 0.05; done; cat ${output}`;
        return ['sh', '-c', `sbatch -Q -N 2 -n 8 -o ${output} ${script} && ${wait}`];
      },
    },
    {
      title: 'a container for each rank, with the /dev/shm of the node',
      on: real,
      ranks: 3,
      discoveries: 1,
      command: (launcher) => wrapper(...start(launcher, 3, inContainer('shared'))),
    },
    {
      title: 'a container for each rank, with a /dev/shm of its own',
      on: real,
      ranks: 3,
      discoveries: 3,
      called: 'apart',
      command: (launcher) => wrapper(...start(launcher, 3, inContainer('private'))),
    },
    {
      title: 'a cpuset for each rank',
      on: haveCpusets ? ['built-in', ...real] : [],
      ranks: 2,
      discoveries: 1,
      env: () => ({ CPUSETS: group }),
      command: (launcher) => wrapper(...start(launcher, 2, ['sh', fixture('in-cpuset.sh'), ...reporter])),
    },
  ];

  const cells = situations.flatMap((situation) =>
    situation.on.map((launcher) => ({ situation, launcher, title: situation.title })),
  );
  const key = (title: string, launcher: string) => `${launcher}: ${title}`;

  const cannot = 'cannot itself';

  test.concurrent.for(cells)('$launcher: $title', async ({ situation, launcher, title }, context) => {
    const { ranks, discoveries, called = 'share', twoPrograms, command, env } = situation;
    if (twoPrograms && (launcher === 'Open MPI' || launcher === 'MPICH')) {
      came.set(key(title, launcher), cannot);
      await needsTwoPrograms(launcher === 'MPICH' ? 'mpich' : 'openmpi', context);
    }
    const { stdout, stderr, exitCode } = await runJob(cluster.on('h1', command(launcher)), {
      cwd: '/',
      env: { ...slurm, ...env?.(launcher) },
    });
    expect(exitCode, stderr).toBe(0);
    expect(howMany(reportsIn(stdout)), stderr).toEqual({ adopted: ranks, discoveries });
    // Not the launcher's own: srun comments on how MPICH uses it.
    expect(withoutMissing(stderr)).not.toContain('hwloc-share:');
    came.set(key(title, launcher), called);
  });

  test('and nothing is left on any host', async () => {
    expect(await processesLeftOn(cluster)).toEqual([]);
    expect(cluster.leftovers()).toEqual([]);
  });

  test('the table is that of README.md', () => {
    const row = (words: readonly string[]) => `| ${words.join(' | ')} |`;
    const table = [
      row(['', ...launchers]),
      row(launchers.map(() => '---').concat('---')),
      ...situations
        .filter(({ on }) => on.length > 0)
        .map(({ title }) => row([title, ...launchers.map((each) => came.get(key(title, each)) ?? '')])),
    ];
    process.stdout.write(`\n${table.join('\n')}\n`);
    // README.md shows what versions do that can.
    const words = (line: string) => line.split('|').map((word) => word.trim());
    const isLike = (line: string, other = '') =>
      words(line).every((word, i) => word === cannot || word === words(other)[i]);
    const readme = readFileSync(join(import.meta.dirname, '..', '..', 'README.md'), 'utf8').split('\n');
    const at = readme.indexOf(table[0] ?? '');
    const shown = readme.slice(at, readme.indexOf('', at));
    const cannotBeRun = situations.filter(({ on }) => on.length === 0).map(({ title }) => title);
    const expected = shown.filter((line) => !cannotBeRun.some((title) => line.startsWith(`| ${title} |`)));
    expect(table.map((line, i) => (isLike(line, expected[i]) ? expected[i] : line))).toEqual(expected);
  });
});

function howMany(reports: readonly Report[]): { adopted: number; discoveries: number } {
  return {
    adopted: reports.filter(({ outcome }) => outcome.how === 'adopted').length,
    discoveries: reports.filter(({ outcome }) => outcome.didDiscover).length,
  };
}
