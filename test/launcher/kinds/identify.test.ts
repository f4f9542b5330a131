// The order of the launchers. (samples.test.ts: who a rank is.)
import { expect, test } from 'vitest';
import { launcherKinds } from '../../../src/launcher/kinds/index.js';

test('where no process of a launcher can be seen, the table is asked in this order', () => {
  expect(launcherKinds.map(({ name }) => name).join(' ')).toBe(
    'local torchrun flux jsm openmpi pals intelmpi mpich mvapich2 alps slurm pmix',
  );
});
