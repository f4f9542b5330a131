// A rank that was written from docs/protocol.md alone shares with ours; one that does not keep to it harms nobody.
import { describe, expect, test } from 'vitest';
import { expectAllAdopted, fixture, runSharedJob } from '../support/shared-job.js';
import { wrapper } from '../support/wrapper.js';

/** A job of 3, whose last rank speaks the protocol by hand. */
async function jobWithAHand(hand: string) {
  const job = await runSharedJob(
    wrapper('--timeout', '2', 'local', '-n', '3', process.execPath, fixture('by-hand.mjs')),
    { env: { BY_HAND: '2', HAND: hand } },
  );
  expectAllAdopted(job.reports, 2);
  return { ...job, hand: /^by hand: (.*)$/m.exec(job.stdout)?.[1] ?? '' };
}

describe('a rank that speaks the protocol by hand', () => {
  test.each(['well', 'maps'])('adopts what the others adopt (%s)', async (mode) => {
    const { reports, hand, stderr } = await jobWithAHand(mode);
    expect(hand).toBe(`adopted ${reports[0]?.xml ?? ''}`);
    expect(stderr).toBe('');
  });

  test('and says nonsense is left out, with a line that names it', async () => {
    const { hand, stderr } = await jobWithAHand('junk');
    expect(hand.trim()).toBe('nothing');
    expect(stderr).toMatch(/rank 0: going on without rank 2, .*unknown verb: "launch missiles=3"/);
  });

  test('of another version is told so, and left out', async () => {
    const { hand } = await jobWithAHand('newer');
    expect(hand).toMatch(/^ladder: it speaks version 2 of the protocol, and the leader 1/);
  });

  test('and announces a rank that cannot be is told so, and left out', async () => {
    const { hand } = await jobWithAHand('duplicate');
    expect(hand).toMatch(/^ladder: local rank 0 is none of the ranks 1 to 2/);
  });

  test('and stops in the middle of its hello holds the others up for the timeout only', async () => {
    const { hand, stderr } = await jobWithAHand('mute');
    expect(hand.trim()).toBe('nothing');
    expect(stderr).toMatch(/rank 0: rank 2 did not join within 2 s; going on without it/);
  });
});
