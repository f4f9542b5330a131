// Jobs on several hosts: the ranks of each share among themselves, the wrapper is heard on all, and nothing is left on any.
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { onCluster } from '../launchers/available.js';
import { needsTwoPrograms } from '../launchers/mpi.js';
import { expectSharedOnEach, launcherOn, runHostsJob, threeHosts } from '../support/hosts-job.js';
import { reporter, reportsIn } from '../support/shared-job.js';
import { wrapper } from '../support/wrapper.js';

/** A rank that prints what the wrapper told it, in one line. Open MPI passes that on with OMPI_ in front (docs/protocol.md). */
const variable = (name: string) => `\${HWLOC_SHARE_${name}:-$OMPI_HWLOC_SHARE_${name}}`;
const told = ['/bin/sh', '-c', `echo told ${['TIMEOUT', 'IO', 'JOB'].map(variable).join(' ')}`];
const options = ['--timeout', '17', '--io', 'none'];
/** Jobs in a row, with 12 ranks each. */
const inARow = 20;

/** What each rank was told, sorted; the name of the job, which all must have in common, is taken off. */
function toldIn(stdout: string): string[] {
  const lines = stdout.split(/\r?\n/).filter((line) => line.startsWith('told'));
  const words = lines.map((line) => line.split(' '));
  expect(new Set(words.map(([, , , job]) => job)).size).toBe(1);
  expect(words[0]?.[3]).toMatch(/^h1-\d+-\d+$/);
  return words.map(([, timeout, io]) => `${timeout ?? ''} ${io ?? ''}`).sort();
}

/** For an --app file that names the hosts: Open MPI 6 refuses them where the command line does so, too. */
function withoutHosts(mpirun: readonly string[]): string[] {
  const at = mpirun.indexOf('--host');
  return mpirun.toSpliced(at, 2);
}

onCluster('slurm', 'openmpi', 'mpich').describe('three hosts', () => {
  const hosts = threeHosts();

  const run = (command: readonly string[], env: Record<string, string> = {}) =>
    runHostsJob(hosts.cluster, command, { env: { ...hosts.slurm, ...env } });
  /** A file on the folder that all hosts share. */
  const script = (name: string, text: string) => {
    const file = join(hosts.cluster.folder, name);
    writeFileSync(file, `${text}\n`, { mode: 0o755 });
    return file;
  };
  /** What a batch script writes. (`sbatch --wait` looks every ten seconds only.) */
  const batch = async (sbatch: string, text: string) => {
    const [output, done] = [
      join(hosts.cluster.folder, 'batch.out'),
      join(hosts.cluster.folder, 'batch.done'),
    ];
    rmSync(done, { force: true });
    const file = script('batch.sh', `#!/bin/sh\n${text}\n/usr/bin/touch ${done}`);
    const wait = `until [ -e ${done} ]; do sleep 0.05; done; cat ${output}`;
    return (await run(['sh', '-c', `sbatch -Q ${sbatch} -o ${output} ${file} && ${wait}`])).stdout;
  };
  const rank = reporter.join(' ');

  describe('srun', () => {
    test.each([
      ['behind the wrapper', wrapper()],
      ['without the wrapper', []],
    ])('%s, 7, 1 and 1 ranks', async (_, before) => {
      const { reports, stderr } = await run([...before, 'srun', '-N', '3', '-n', '9', ...reporter]);
      expectSharedOnEach(reports, { h1: 7, h2: 1, h3: 1 });
      expect(stderr).toBe('');
    });

    test('2, 2 and 5 ranks', async () => {
      const list = script('list', 'h1\nh1\nh2\nh2\nh3\nh3\nh3\nh3\nh3');
      const step = wrapper('srun', '--distribution=arbitrary', '-n', '9', ...reporter);
      const inAllocation = [
        'salloc',
        '-Q',
        '-N',
        '3',
        '--ntasks-per-node=5',
        'env',
        `SLURM_HOSTFILE=${list}`,
      ];
      expectSharedOnEach((await run([...inAllocation, ...step])).reports, { h1: 2, h2: 2, h3: 5 });
    });

    test('--distribution=cyclic', async () => {
      const { reports } = await run(
        wrapper('srun', '-N', '3', '-n', '7', '--distribution=cyclic', ...reporter),
      );
      expect(reports.map(({ node: name }) => name)).toEqual(['h1', 'h2', 'h3', 'h1', 'h1', 'h1', 'h1']);
      expectSharedOnEach(reports, { h1: 5, h2: 1, h3: 1 });
    });

    test('the options reach all hosts, whatever is exported', async () => {
      const heard = async (...words: string[]) => toldIn((await run(wrapper(...options, ...words))).stdout);
      const all = ['17 none', '17 none', '17 none'];
      const step = ['srun', '-N', '3', '-n', '3'];
      expect(await heard(...step, ...told)).toEqual(all);
      expect(await heard(...step, '--export=NONE', ...told)).toEqual(all);
      expect(await heard(...step, '--export=PATH,HWLOC_SHARE_IO=all', ...told)).toEqual(
        all.map(() => '17 all'),
      );
    });

    test('steps of an sbatch script, one after another and two at once, share each for itself', async () => {
      const step = `srun -N 2 -n 4 --overlap ${rank}`;
      const stdout = await batch('-N 2 -n 8', `${step}\n${step}\n${step} & ${step} & wait`);
      const lines = stdout.split('\n').filter((line) => line.startsWith('{'));
      expect(lines).toHaveLength(16);
      const outcomes = lines.map(
        (line) => (JSON.parse(line) as { outcome: { how: string; didDiscover?: boolean } }).outcome,
      );
      expect(outcomes.filter(({ how }) => how === 'adopted')).toHaveLength(16);
      // Four steps on two hosts.
      expect(outcomes.filter(({ didDiscover }) => didDiscover)).toHaveLength(8);
    });

    // The recipe of docs/kept.md.
    test(
      'with hold on each host, only the first step of an sbatch script discovers',
      { timeout: 60_000 },
      async () => {
        const held = join(hosts.cluster.folder, 'held');
        const step = `srun -N 3 -n 6 --overlap ${rank}`;
        const text = `
        export HWLOC_SYNTHETIC='pack:2 core:8 pu:2'
        srun --overlap -N 3 -n 3 --ntasks-per-node=1 ${wrapper('hold').join(' ')} 2> ${held} &
        until [ "$(grep -c holding ${held})" = 3 ]; do sleep 0.05; done
        ${step}
        ${step}
        ${step}
        kill -USR1 $!
        wait`;
        const reports = reportsIn(await batch('-N 3 -n 9', text));
        expect(reports.map(({ outcome }) => outcome.how)).toEqual(Array(18).fill('adopted'));
        const discovering = reports.filter(({ outcome }) => outcome.didDiscover).map(({ node }) => node);
        expect(discovering.sort()).toEqual(['h1', 'h2', 'h3']);
        // The leader of each later step knows since when its topology is kept.
        expect(reports.filter(({ outcome }) => outcome.kept !== undefined)).toHaveLength(6);
      },
    );

    test('the wrapper inside an sbatch script with --export=NONE', async () => {
      const step = wrapper(...options, 'srun', '-N', '3', '-n', '3').join(' ');
      const stdout = await batch('--export=NONE -N 3 -n 3', `${step} /bin/sh -c '${told.at(-1) ?? ''}'`);
      expect(toldIn(stdout)).toEqual(['17 none', '17 none', '17 none']);
    });

    test('a heterogeneous step, of which each component has its own program', async () => {
      const step = [
        'srun',
        '-N',
        '1',
        '-n',
        '2',
        '-O',
        ...reporter,
        ':',
        '-N',
        '2',
        '-n',
        '3',
        '-O',
        ...reporter,
      ];
      const { reports } = await run(wrapper('salloc', '-Q', '-N', '3', '-n', '6', ...step));
      expectSharedOnEach(reports, { h1: 2, h2: 2, h3: 1 });
    });

    test('--multi-prog', async () => {
      const programs = script('programs', `0-2 ${rank}\n3-5 ${rank} other`);
      const { reports } = await run(wrapper('srun', '-N', '3', '-n', '6', '--multi-prog', programs));
      expect(reports).toHaveLength(6);
      expect(reports.filter(({ outcome }) => outcome.how === 'adopted')).toHaveLength(6);
      expect(reports.filter(({ outcome }) => outcome.didDiscover)).toHaveLength(3);
    });

    test(`${inARow} jobs in a row, 4 ranks on each host`, { timeout: 240_000 }, async () => {
      for (let i = 0; i < inARow; i++) {
        const step = ['srun', '-N', '3', '-n', '12', '--ntasks-per-node=4', ...reporter];
        expectSharedOnEach((await run(i % 2 === 0 ? wrapper(...step) : step)).reports, {
          h1: 4,
          h2: 4,
          h3: 4,
        });
      }
    });
  });

  describe.each(['openmpi', 'mpich'] as const)('%s', (name) => {
    const mpirun = (perHost: number) => launcherOn(hosts.cluster, name, perHost);

    test.each([
      ['behind the wrapper', wrapper()],
      ['without the wrapper', []],
    ])('%s', async (_, before) => {
      const { reports, stderr } = await run([...before, ...mpirun(2), '-n', '5', ...reporter]);
      expectSharedOnEach(reports, { h1: 2, h2: 2, h3: 1 });
      expect(stderr).toBe('');
    });

    test('the options reach all hosts', async () => {
      const words = [...mpirun(1), '-n', '3', ...told];
      expect(toldIn((await run(wrapper(...options, ...words))).stdout)).toEqual(Array(3).fill('17 none'));
    });

    test('the options reach all hosts and all programs of an MPMD line', async (context) => {
      await needsTwoPrograms(name, context);
      const words = [...mpirun(1), '-n', '1', ...told, ':', '-n', '2', ...told];
      expect(toldIn((await run(wrapper(...options, ...words))).stdout)).toEqual(Array(3).fill('17 none'));
    });

    test('two programs in one job share', async (context) => {
      await needsTwoPrograms(name, context);
      const words = [...mpirun(2), '-n', '3', ...reporter, ':', '-n', '3', ...reporter, 'other'];
      expectSharedOnEach((await run(wrapper(...words))).reports, { h1: 2, h2: 2, h3: 2 });
    });

    test('in an allocation of Slurm, whose variables do not count', async () => {
      const inside =
        name === 'openmpi'
          ? ['mpirun.openmpi', '--allow-run-as-root', '-n', '6', ...reporter]
          : ['mpirun.mpich', '-n', '6', ...reporter];
      const words = ['salloc', '-Q', '-N', '3', '-n', '6', '--ntasks-per-node=2', ...wrapper(...inside)];
      expectSharedOnEach((await run(words)).reports, { h1: 2, h2: 2, h3: 2 });
    });
  });

  test('Open MPI: what a user says with -x, or with the parameter that excludes it, is heard', async () => {
    const heard = async (words: readonly string[], env: Record<string, string> = {}) =>
      toldIn(
        (
          await run(
            wrapper(...options, ...launcherOn(hosts.cluster, 'openmpi', 1), ...words, '-n', '3', ...told),
            env,
          )
        ).stdout,
      );
    expect(await heard(['-x', 'HWLOC_SHARE_IO=all'])).toEqual(Array(3).fill('17 all'));
    expect(await heard(['--mca', 'mca_base_env_list', 'HWLOC_SHARE_IO=all'])).toEqual(
      Array(3).fill('17 all'),
    );
    expect(await heard(['--mca', 'mca_base_env_list', 'A=b'])).toEqual(Array(3).fill('17 none'));
    expect(await heard([], { OMPI_MCA_mca_base_env_list: 'A=b' })).toEqual(Array(3).fill('17 none'));
  });

  describe('Open MPI: the options reach all hosts', () => {
    const program = () => script('told.sh', `#!/bin/sh\n${told[2] ?? ''}`);
    const heard = async (words: readonly string[], env: Record<string, string> = {}) =>
      toldIn((await run(wrapper(...options, ...words), env)).stdout);
    const mpirun = () => launcherOn(hosts.cluster, 'openmpi', 1);
    const all = Array(3).fill('17 none');

    describe.each([
      ['', ''],
      [' which has -x', '-x PATH '],
    ])('with --app FILE%s', (_, more) => {
      const line = (ranks: number, at: string) => `${more}-n ${ranks} --host ${at} ${program()}`;

      test('of one program', async () => {
        const file = script('app', line(3, 'h1:1,h2:1,h3:1'));
        expect(await heard([...withoutHosts(mpirun()), '--app', file])).toEqual(all);
      });

      test('of two programs', async (context) => {
        await needsTwoPrograms('openmpi', context);
        const file = script('app', `${line(1, 'h1:1')}\n${line(2, 'h2:1,h3:1')}`);
        expect(await heard([...withoutHosts(mpirun()), '--app', file])).toEqual(all);
      });
    });

    // Open MPI refuses to be told of variables in two ways.
    test('with parameters in a file of the user, or in one of --tune', async () => {
      mkdirSync(join(hosts.cluster.folder, '.openmpi'), { recursive: true });
      // As on a command line: Open MPI 5 takes nothing else there, and 4 both.
      const tuned = script('tune', '--mca mca_base_env_list A=b');
      script('.openmpi/mca-params.conf', 'mca_base_env_list = A=b');
      expect(await heard([...mpirun(), '-n', '3', program()], { HOME: hosts.cluster.folder })).toEqual(all);
      expect(await heard([...mpirun(), '--tune', tuned, '-n', '3', program()])).toEqual(all);
    });
  });

  test('Open MPI: ranks share, with the options, where an --app file names the programs', async (context) => {
    await needsTwoPrograms('openmpi', context);
    const rankFile = script('rank.sh', `#!/bin/sh\nexec ${rank}`);
    const file = script('app', `-n 2 --host h1:2 ${rankFile}\n-n 4 --host h2:2,h3:2 ${rankFile}`);
    const mpirun = withoutHosts(launcherOn(hosts.cluster, 'openmpi', 2));
    const { reports } = await run(wrapper(...mpirun, '--app', file));
    expectSharedOnEach(reports, { h1: 2, h2: 2, h3: 2 });
  });

  test('MPICH: the options reach all hosts, whatever is passed on', async () => {
    const heard = async (...words: string[]) =>
      toldIn(
        (await run(wrapper(...options, ...launcherOn(hosts.cluster, 'mpich', 1), ...words, ...told))).stdout,
      );
    for (const restriction of [['-genvnone'], ['-genvlist', 'PATH']]) {
      expect(await heard(...restriction, '-n', '3')).toEqual(Array(3).fill('17 none'));
    }
    expect(await heard('-n', '3', '-envnone')).toEqual(Array(3).fill('17 none'));
    expect(await heard('-genvnone', '-n', '3', '-env', 'HWLOC_SHARE_IO', 'all')).toEqual(
      Array(3).fill('17 all'),
    );
  });

  test(`Open MPI: ${inARow} jobs in a row, 4 ranks on each host`, { timeout: 240_000 }, async () => {
    for (let i = 0; i < inARow; i++) {
      const words = [...launcherOn(hosts.cluster, 'openmpi', 4), '-n', '12', ...reporter];
      expectSharedOnEach((await run(i % 2 === 0 ? wrapper(...words) : words)).reports, {
        h1: 4,
        h2: 4,
        h3: 4,
      });
    }
  });
});
