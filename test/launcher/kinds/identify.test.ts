// The order of the launchers, and which process a channel depends on. (samples.test.ts: who a rank is.)
import { spawnSync } from 'node:child_process';
import { describe, expect, test } from 'vitest';
import type { Environment } from '../../../src/environment/index.js';
import { launcherKinds, localVariables } from '../../../src/launcher/kinds/index.js';
import { distFile } from '../../support/wrapper.js';

test('where no process of a launcher can be seen, the table is asked in this order', () => {
  expect(launcherKinds.map(({ name }) => name).join(' ')).toBe(
    'local torchrun flux jsm openmpi pals intelmpi mpich mvapich2 alps slurm pmix',
  );
});

describe('the keeper is the process of the launcher', () => {
  /** What `identify` says in a process below a chain of shells; `exec -a` gives them the names that the kernel shows. */
  function keeperBelow(script: string, env: Environment): { keeper: number; parent: number; top: number } {
    const rank = `
      import { identify } from ${JSON.stringify(distFile('launcher/kinds/index.js'))};
      const { keeper } = identify(process.env);
      process.stdout.write(JSON.stringify({ keeper, parent: process.ppid, top: Number(process.env.TOP) }));`;
    const run = spawnSync('sh', ['-c', script], {
      env: { PATH: process.env.PATH, ...env, NODE: process.execPath, RANK: rank },
      encoding: 'utf8',
      timeout: 10_000,
    });
    return JSON.parse(run.stdout) as { keeper: number; parent: number; top: number };
  }
  // Two shells that do not become what they run.
  const below = `sh -c 'sh -c '\\''"$NODE" --input-type=module -e "$RANK"; :'\\''; :'; :`;

  test("the wrapper's, for the built-in launcher, whatever shells stand between", () => {
    const { keeper, parent, top } = keeperBelow(
      `export TOP=$$ HWLOC_SHARE_KEEPER=$$; ${below}`,
      localVariables(2, 4),
    );
    expect(keeper).toBe(top);
    expect(keeper).not.toBe(parent);
  });

  test('the parent, where the process that was named is no ancestor', () => {
    for (const named of ['1', '999999', 'x', '']) {
      const { keeper, parent } = keeperBelow(
        `export HWLOC_SHARE_KEEPER=${named}; ${below}`,
        localVariables(2, 4),
      );
      expect(keeper).toBe(parent);
    }
  });

  test('the parent, where no process of the launcher is above', () => {
    const { keeper, parent } = keeperBelow(below, {
      OMPI_COMM_WORLD_RANK: '5',
      OMPI_COMM_WORLD_SIZE: '6',
      OMPI_COMM_WORLD_LOCAL_RANK: '1',
      OMPI_COMM_WORLD_LOCAL_SIZE: '2',
      PMIX_NAMESPACE: '1663500289',
    });
    expect(keeper).toBe(parent);
  });
});
