// The alarm of a rank that waits. It must not ring too early.

import { setTimeout as after } from 'node:timers/promises';
import { execa } from 'execa';
import { describe, expect, it } from 'vitest';
import { alarm, patientNow } from '../../src/rank/time.js';

/** Prints after how many milliseconds an alarm of 200 rings. The engine's own wait ends at once here: it counts from before the computation. */
const computesFirst = `
  const { alarm, patientNow } = await import('${new URL('../../dist/rank/time.js', import.meta.url).href}');
  const alive = setInterval(() => undefined, 1000);
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 300);
  const since = process.hrtime.bigint();
  alarm(() => {
    console.log(Number(process.hrtime.bigint() - since) / 1e6);
    clearInterval(alive);
  }).set(patientNow() + 200);
`;

describe('alarm', () => {
  // In a process of its own, as built: vitest's event loop looks at the clock at other times.
  it('does not ring early where a job has computed before it joins', async () => {
    const { stdout } = await execa(process.execPath, ['--input-type=module', '--eval', computesFirst]);
    expect(Number(stdout)).toBeGreaterThanOrEqual(200);
  });

  it('does not ring when it was turned off', async () => {
    let rang = 0;
    const turnedOff = alarm(() => rang++);
    turnedOff.set(patientNow() + 20);
    turnedOff.off();
    await after(60);
    expect(rang).toBe(0);
  });

  it('rings once', async () => {
    let rang = 0;
    alarm(() => rang++).set(patientNow() + 5);
    await expect.poll(() => rang).toBe(1);
    await after(30);
    expect(rang).toBe(1);
  });

  it('rings at the moment that was set last, whether that is later or sooner', async () => {
    const rings: number[] = [];
    const twice = alarm(() => rings.push(patientNow()));
    const start = patientNow();
    twice.set(start + 10);
    twice.set(start + 100);
    await expect.poll(() => rings.length).toBe(1);
    expect(rings[0]).toBeGreaterThanOrEqual(start + 100);
    twice.set(patientNow() + 60_000);
    twice.set(patientNow() + 10);
    await expect.poll(() => rings.length).toBe(2);
  });

  it('can be set again when it was turned off, and by what it calls', async () => {
    let rang = 0;
    const again = alarm(() => {
      if (++rang < 3) again.set(patientNow() + 5);
    });
    again.set(patientNow() + 5);
    again.off();
    again.set(patientNow() + 10);
    await expect.poll(() => rang).toBe(3);
  });
});
