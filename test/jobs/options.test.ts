// The options of join() are checked before anything of it begins, and a rank can still join afterwards.
import { expect, test } from 'vitest';
import { fixture, runSharedJob } from '../support/shared-job.js';
import { wrapper } from '../support/wrapper.js';

const hole = "'scatter', 'begin', 'biggest', 'libs', 'heap', 'stack' or an address";
const cases = [
  [{ timeout: 'NaN' }, 'join({ timeout: NaN }) is not allowed; use a number of seconds above 0, up to 86400'],
  [{ timeout: 0 }, 'join({ timeout: 0 }) is not allowed; use a number of seconds above 0, up to 86400'],
  [{ timeout: '5' }, "join({ timeout: '5' }) is not allowed; use a number of seconds above 0, up to 86400"],
  [{ hole: 'x' }, `join({ hole: 'x' }) is not allowed; use ${hole}`],
  [{ hole: '0x420000000001' }, `join({ hole: '0x420000000001' }) is not allowed; use ${hole}`],
  [
    { io: 'importent' },
    "join({ io: 'importent' }) is not allowed; use 'important', 'none' or 'all'; did you mean 'important'?",
  ],
  [{ strict: 'yes' }, "join({ strict: 'yes' }) is not allowed; use true or false"],
  [{ timeuot: 5 }, 'join({ timeuot }): there is no such option, only '],
] as const;

test('join() names the option, its value and what is allowed, and a rank that got them wrong can still share', async () => {
  const OPTIONS = JSON.stringify(cases.map(([options]) => options));
  const command = wrapper('local', '-n', '2', process.execPath, fixture('options.mjs'));
  const { stdout } = await runSharedJob(command, { env: { OPTIONS } });
  const ranks = stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as { rank: number; errors: string[]; how: string });
  expect(ranks.map(({ rank }) => rank).sort()).toEqual([0, 1]);
  for (const { errors, how } of ranks) {
    expect(errors).toHaveLength(cases.length);
    cases.forEach(([, message], i) => {
      expect(
        errors[i]?.startsWith(`InvalidArgumentError HWLOC_SHARE_INVALID_ARGUMENT: ${message}`),
        errors[i],
      ).toBe(true);
    });
    expect(how).toBe('adopted');
  }
});
