// The alarm of those who wait: what it may not do is ring too early.

import { setTimeout as after } from 'node:timers/promises';
import { execa } from 'execa';
import { describe, expect, it } from 'vitest';
import { alarm } from '../../src/rank/alarm.js';

/** Prints after how many milliseconds an alarm of 200 rings. The engine's own wait ends at once here: it counts from before the computation. */
const computesFirst = `
  const { alarm } = await import('${new URL('../../dist/rank/alarm.js', import.meta.url).href}');
  const alive = setInterval(() => undefined, 1000);
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 300);
  const since = process.hrtime.bigint();
  alarm(200, () => {
    console.log(Number(process.hrtime.bigint() - since) / 1e6);
    clearInterval(alive);
  });
`;

describe('alarm', () => {
  // In a process of its own, as built: vitest's event loop looks at the clock at other times.
  it('does not ring early where a job has computed before it joins', async () => {
    const { stdout } = await execa(process.execPath, ['--input-type=module', '--eval', computesFirst]);
    expect(Number(stdout)).toBeGreaterThanOrEqual(200);
  });

  it('does not ring when it was called off', async () => {
    let rang = 0;
    const callOff = alarm(20, () => rang++);
    callOff();
    await after(60);
    expect(rang).toBe(0);
  });

  it('rings once', async () => {
    let rang = 0;
    alarm(5, () => rang++);
    await expect.poll(() => rang).toBe(1);
    await after(30);
    expect(rang).toBe(1);
  });
});
