// Ranks whose launcher does not tell how many of them are on a node, or not even the local rank: they share all the same.
// Those launchers cannot be installed here; a real one starts the ranks, which then have the variables of the other (fixtures/as.sh).
import { expect, test } from 'vitest';
import { launcher, onCluster } from '../launchers/available.js';
import { launcherOn, runHostsJob, threeHosts } from '../support/hosts-job.js';
import { launcherCommands } from '../support/jobs.js';
import { type Report, expectAllAdopted, fixture, reporter, runSharedJob } from '../support/shared-job.js';
import { wrapper } from '../support/wrapper.js';

// Unbound: Open MPI 6 gives ranks that it binds local ranks in another order.
const openmpi = (ranks: number, kind: string, program: readonly string[] = reporter) =>
  launcherCommands.openmpi(ranks, ['--bind-to', 'none', 'sh', fixture('as.sh'), kind, ...program]);

/** What each rank was told of its place. What is undefined is not printed. */
const places = (reports: readonly Report[]) =>
  reports.map(({ size, localRank, localSize }) => ({ size, localRank, localSize }));

launcher('openmpi').describe('on one node', () => {
  test.each([
    ['PMIx alone', 'pmix', 'without the wrapper', []],
    ['PMIx alone', 'pmix', 'behind the wrapper', wrapper()],
    ['aprun', 'alps', 'behind the wrapper', wrapper()],
    ['Flux', 'flux', 'without the wrapper', []],
  ])('%s: all ranks adopt (%s, %s)', async (_, kind, __, before) => {
    const { reports, stderr } = await runSharedJob([...before, ...openmpi(6, kind)]);
    expectAllAdopted(reports, 6);
    expect(stderr).toBe('');
  });

  test('a session says what the launcher told, and no number that may be wrong', async () => {
    const nothing = { size: undefined, localRank: undefined, localSize: undefined };
    expect(places((await runSharedJob(openmpi(2, 'pmix'))).reports)).toEqual([nothing, nothing]);
    expect(places((await runSharedJob(openmpi(2, 'flux'))).reports)).toEqual([
      { size: 2, localRank: 0, localSize: undefined },
      { size: 2, localRank: 1, localSize: undefined },
    ]);
  });

  test('one rank alone, of PMIx, adopts what it wrote', async () => {
    expectAllAdopted((await runSharedJob(openmpi(1, 'pmix'))).reports, 1);
  });

  test.each([
    ['without the wrapper', []],
    ['behind the wrapper', wrapper()],
  ])('with Flux, two brokers on one host: the ranks of each share, %s', async (_, before) => {
    const { reports, stderr } = await runSharedJob([...before, ...openmpi(6, 'flux')], {
      env: { BROKERS: '2' },
    });
    expect(reports.map(({ rank, localRank }) => [rank, localRank])).toEqual(
      [0, 1, 2, 3, 4, 5].map((rank) => [rank, rank % 3]),
    );
    expect(reports.map(({ outcome }) => outcome.how)).toEqual(Array(6).fill('adopted'));
    const leaders = reports.filter(({ outcome }) => outcome.didDiscover).map(({ rank }) => rank);
    expect(leaders).toEqual([0, 3]);
    expect(stderr).toBe('');
  });

  test.each(['pmix', 'flux'])(
    'a rank that joins seconds later adopts what the others have (%s)',
    async (kind) => {
      const env = { DELAY: '1:3000', STAY: '5000', BARRIER: 'no' };
      const { reports, stderr } = await runSharedJob(openmpi(4, kind), { env });
      expectAllAdopted(reports, 4);
      expect(stderr).toBe('');
    },
  );

  test('a rank that comes when the leader has left has what that one wrote', async () => {
    const env = { START: '3:3', LEADER_LEAVES: '1', STAY: '6000', BARRIER: 'no' };
    const { reports } = await runSharedJob(openmpi(4, 'pmix'), { env });
    expectAllAdopted(reports, 4);
  });

  test('a rank that died before it joined is not waited for', async () => {
    const program = [
      'sh',
      '-c',
      'if [ $PMIX_RANK = 1 ]; then sleep 0.5; exit 0; fi; exec "$@"',
      'sh',
      ...reporter,
    ];
    const { reports, durationMs } = await runSharedJob(openmpi(3, 'pmix', program));
    expect(reports.map(({ outcome }) => outcome.how)).toEqual(['adopted', 'adopted']);
    expect(durationMs).toBeLessThan(20_000);
  });

  test('two jobs at once never touch each other', async () => {
    const job = () => runSharedJob(openmpi(3, 'pmix'));
    for (const { reports } of await Promise.all([job(), job()])) expectAllAdopted(reports, 3);
  });
});

launcher('mpich').describe('MPICH in port mode, which does not tell the size', () => {
  test('all ranks adopt', async () => {
    const { reports } = await runSharedJob(['mpirun.mpich', '-pmi-port', '-n', '4', ...reporter]);
    expectAllAdopted(reports, 4);
    expect(places(reports)[1]).toEqual({ size: undefined, localRank: 1, localSize: 4 });
  });
});

onCluster('slurm', 'openmpi').describe('on three hosts', () => {
  const hosts = threeHosts();
  const as = (kind: string) => ['sh', fixture('as.sh'), kind, ...reporter];

  test.each([
    ['PMIx alone', () => [...launcherOn(hosts.cluster, 'openmpi', 3), '-n', '8', ...as('pmix')], [3, 3, 2]],
    ['Flux', () => ['srun', '-N', '3', '-n', '9', ...as('flux')], [7, 1, 1]],
    ['aprun', () => ['srun', '-N', '3', '-n', '9', ...as('alps')], [7, 1, 1]],
  ] as const)('%s: the ranks of each share, with one discovery on each', async (_, command, layout) => {
    const { reports } = await runHostsJob(hosts.cluster, wrapper(...command()), { env: hosts.slurm });
    const ranks = layout.reduce((sum, count) => sum + count, 0);
    expect(reports.map(({ outcome }) => outcome.how)).toEqual(Array(ranks).fill('adopted'));
    hosts.cluster.hosts.forEach((host, i) => {
      const there = reports.filter(({ node }) => node === host);
      expect(there).toHaveLength(layout[i] ?? 0);
      expect(there.filter(({ outcome }) => outcome.didDiscover)).toHaveLength(1);
      expect(new Set(there.map(({ outcome }) => outcome.address)).size).toBe(1);
    });
  });
});
