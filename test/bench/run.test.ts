// The benchmark itself, run for some seconds on the smallest job there is.
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { CaseResult } from '../../bench/suites/compare-plots.js';
import { runJob } from '../support/job.js';
import { temporaryFolder } from '../support/temporary.js';

const root = join(import.meta.dirname, '../..');
// Those that need neither a compiler nor an MPI.
const contenders = ['share-local', 'import-local'];

test(
  'two ranks, twice: each figure is there, all ranks shared, and nothing is left',
  { timeout: 120_000 },
  async () => {
    const json = join(temporaryFolder(), 'bench.json');
    const words = [
      'compare',
      '--quick',
      '--no-install',
      '--no-build',
      '--contenders',
      contenders.join(','),
      '--json',
      json,
    ];
    const { exitCode, stderr, stdout } = await runJob(
      [process.execPath, join(root, 'bench/run.mjs'), ...words],
      {
        cwd: root,
        timeoutMs: 110_000,
      },
    );
    expect(exitCode, stderr).toBe(0);
    expect(stdout).toContain("(a') hwloc-share local");
    const { results } = JSON.parse(readFileSync(json, 'utf8')) as { results: { compare: CaseResult[] } };
    const [found] = results.compare;
    expect(found).toMatchObject({ input: 'this machine', ranks: 2 });
    const share = found?.measured.find(({ contender }) => contender === 'share-local');
    expect(share).toMatchObject({ strays: 0, hung: 0, failures: [], said: '', tail: { runs: 2 } });
    expect(share?.tail.median).toBeGreaterThan(0);
    expect(share?.makespan.median).toBeGreaterThanOrEqual(share?.tail.median ?? 0);
    expect(share?.leaderPhases).toMatchObject({ load: expect.any(Number) as number });
    const left = readdirSync('/dev/shm').filter((name) => name.startsWith('hwloc-share-bench-'));
    expect(left.filter((name) => !existsSync(`/proc/${name.split('-')[3] ?? ''}`))).toEqual([]);
  },
);
