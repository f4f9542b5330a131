// A rank that was written from docs/protocol.md alone shares with ours; one that does not keep to it harms nobody.
import { describe, expect, test } from 'vitest';
import { expectAllAdopted, fixture, runSharedJob } from '../support/shared-job.js';
import { wrapper } from '../support/wrapper.js';

/** A job of 3, whose last rank speaks the protocol by hand. */
async function jobWithAHand(hand: string) {
  const job = await runSharedJob(
    wrapper('--timeout', '2', 'local', '-n', '3', process.execPath, fixture('by-hand.mjs')),
    { env: { BY_HAND: '2', HAND: hand, BARRIERS: '1' } },
  );
  expectAllAdopted(job.reports, 2);
  return { ...job, hand: /^by hand: (.*)$/m.exec(job.stdout)?.[1] ?? '' };
}

describe('a rank that speaks the protocol by hand', () => {
  test('adopts what the others adopt, and passes a barrier with them', async () => {
    const { reports, hand, stderr } = await jobWithAHand('well');
    expect(hand).toBe(`adopted ${reports[0]?.xml ?? ''}`);
    expect(stderr).toBe('');
  });

  test('adopts what the others have adopted already, and passes a barrier with them', async () => {
    const { reports, hand, stderr } = await jobWithAHand('late');
    expect(hand).toBe(`adopted ${reports[0]?.xml ?? ''}`);
    expect(stderr).toMatch(/rank 0: rank 2 has not joined; continuing without it \(it can still join\)/);
  });

  test('may say nonsense: the lines are left out, and the first one is named', async () => {
    const { reports, hand, stderr } = await jobWithAHand('junk');
    expect(hand).toBe(`adopted ${reports[0]?.xml ?? ''}`);
    expect(stderr).toMatch(/rank 0: the lobby: .*"(Launch|launch missiles=3)"; the line is left out/);
    expect(stderr.trim().split('\n')).toHaveLength(1);
  });

  test.each(['mute', 'half'])(
    'and that stops before its hello ends (%s) is waited for until the timeout',
    async (mode) => {
      const { hand, stderr } = await jobWithAHand(mode);
      expect(hand.trim()).toBe('nothing');
      expect(stderr).toMatch(/rank 0: rank 2 has not joined; continuing without it/);
    },
  );
});
