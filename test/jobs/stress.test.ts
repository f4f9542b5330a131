// Many ranks on few cores.
import { expect, test } from 'vitest';
import { expectAllAdopted, reporter, runSharedJob } from '../support/shared-job.js';
import { wrapper } from '../support/wrapper.js';

test(
  '64 ranks of the built-in launcher, ten times in a row: all adopt every time',
  { timeout: 300_000 },
  async () => {
    for (let time = 0; time < 10; time++) {
      const job = await runSharedJob(wrapper('local', '-n', '64', ...reporter), { timeoutMs: 120_000 });
      expectAllAdopted(job.reports, 64);
      expect(job.stderr).toBe('');
    }
  },
);
