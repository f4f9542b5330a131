// What is wrong in all ranks of a node is said once on each node.
import { describe, expect, test } from 'vitest';
import { fixture, runSharedJob, withoutMissing } from '../support/shared-job.js';
import { wrapper } from '../support/wrapper.js';

const job = (env: Record<string, string>) =>
  runSharedJob(wrapper('local', '-n', '4', process.execPath, fixture('report.mjs')), { env });

describe('a variable that is wrong in all ranks of a node', () => {
  test.each([
    [
      { HWLOC_SHARE_HOLE: 'foo' },
      /^hwloc-share: node \S+, rank \d: HWLOC_SHARE_HOLE=foo: unknown hole policy; using scatter\n$/,
    ],
    [
      { HWLOC_SHARE_TIMEOUT: 'x' },
      /^hwloc-share: HWLOC_SHARE_TIMEOUT=x is not a number of seconds up to a day\n$/,
    ],
    [{ HWLOC_SHARE_IO: 'foo' }, /^hwloc-share: HWLOC_SHARE_IO=foo is none of important, none, all\n$/],
    [
      { HWLOC_SHARE_LIBHWLOC: '/no/such/file' },
      /^hwloc-share: node \S+, rank 0: HWLOC_SHARE_LIBHWLOC=\/no\/such\/file could not be loaded; using \S+\n$/,
    ],
  ])('is complained of in one line: %o', async (env, line) => {
    const { reports, stderr } = await job(env);
    expect(withoutMissing(stderr)).toMatch(line);
    expect(reports.map(({ outcome }) => outcome.how)).toEqual(Array(4).fill('adopted'));
  });
});
