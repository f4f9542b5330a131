// A test run ends what an earlier one left, and nothing of a run that goes on elsewhere.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readlinkSync } from 'node:fs';
import { expect, test } from 'vitest';
import { ownerEnvironment, sweepOnce } from './owner.js';

const [variable = '', own = ''] = Object.entries(ownerEnvironment)[0] ?? [];
const [namespace = '', pid = '', start = ''] = own.split('.');

test('the sweep ends the processes of a run that has ended, and of no other run', async () => {
  expect(readlinkSync('/proc/self/ns/pid')).toContain(namespace);
  const owners = {
    ended: `${namespace}.${pid}.${Number(start) - 1}`,
    own,
    elsewhere: `1${namespace}.${pid}.${Number(start) - 1}`,
  };
  const processes = Object.entries(owners).map(([name, owner]) => ({
    name,
    process: spawn('sleep', ['60'], { env: { ...process.env, [variable]: owner } }),
  }));
  await Promise.all(processes.map((each) => once(each.process, 'spawn')));
  const ended = once(processes[0]?.process ?? process, 'exit');
  sweepOnce();
  expect(await ended).toEqual([null, 'SIGKILL']);
  for (const { name, process: one } of processes.slice(1)) {
    // A signal that does not reach it would say so.
    expect(one.kill(0), name).toBe(true);
    const gone = once(one, 'exit');
    one.kill('SIGTERM');
    expect(await gone, name).toEqual([null, 'SIGTERM']);
  }
});
