// No call of the object model crashes the process, or fails without saying what is wrong, whatever it is given. Each machine is tried in a
// process of its own, so that a crash is seen.

import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type CompiledSources, compileSources } from './support/child.js';
import { type Machine, recordedMachines, thisMachine } from './support/machines.js';

/** Synthetic machines of other shapes, with all kinds of memory. */
const synthetic = [
  'pu:1',
  'pack:2 [numa(memory=1GB)] die:2 l3:1 l2:2 l1d:1 core:1 l1i:1 pu:2',
  'pack:2 group:2 [numa(memory=1GB)] [numa(memory=2GB)] core:3 pu:1',
  'group:3 pack:1 [numa(memory=1GB memorysidecachesize=256MB)] core:2 pu:2',
];
const machines: readonly Machine[] = [
  ...synthetic.map((text) => fromVariable(text, 'HWLOC_SYNTHETIC', text)),
  fromVariable('objects of all kinds', 'HWLOC_XMLFILE', join(import.meta.dirname, 'fixtures/devices.xml')),
  thisMachine,
  ...recordedMachines,
];

function fromVariable(name: string, variable: string, value: string): Machine {
  return {
    name,
    xml: undefined,
    prepare: () => ({ environment: { [variable]: value }, dispose: () => undefined }),
  };
}

const source = readFileSync(join(import.meta.dirname, 'fixtures/every-call.mjs'), 'utf8');

let sources: CompiledSources;
let folder: string;
beforeAll(() => {
  sources = compileSources();
  folder = mkdtempSync(join(tmpdir(), 'hwloc-share-test-'));
});
afterAll(() => {
  sources.dispose();
  rmSync(folder, { recursive: true });
});

interface Result {
  readonly calls: number;
  readonly faults: readonly string[];
}

/** Makes all calls, in a process of its own. @throws Error  it crashed; the message ends in the call that did it. */
async function callEverything(machine: Machine, seed: number, program = source): Promise<Result> {
  const { environment, dispose } = machine.prepare();
  const log = join(folder, 'call');
  try {
    return (await sources.run(program, [log, String(seed)], {
      timeoutMs: 240_000,
      env: environment,
    })) as Result;
  } catch (error) {
    throw new Error(`seed ${seed}: ${String(error)}\nThe last call: ${readFileSync(log, 'utf8').trim()}`);
  } finally {
    dispose();
  }
}

describe('every call, with whatever it may be given, fails with an error that says why, or works', () => {
  test.each(machines.map((machine) => [machine.name, machine] as const))(
    '%s',
    async (_, machine) => {
      const seed = Date.now() % 2 ** 31;
      const { calls, faults } = await callEverything(machine, seed);
      expect(faults, `seed ${seed}`).toEqual([]);
      expect(calls).toBeGreaterThan(20_000);
    },
    300_000,
  );
});

test('a call that crashes would be seen, and named', async () => {
  const start = 'let calls = 0;';
  const crash = "() => process.kill(process.pid, 'SIGSEGV')";
  const program = source.replace(start, `${start}\nloaded.constructor.prototype.crash = ${crash};`);
  await expect(callEverything(thisMachine, 1, program)).rejects.toThrow(
    /SIGSEGV[^]*The last call: .*\.crash\(/,
  );
});
