// The JSON form: it keeps to its schema, and says all that the objects say.

import { readFileSync } from 'node:fs';
import { Ajv } from 'ajv';
import { describe, expect, test } from 'vitest';
import { type ObjectJson, type Topology, type TopologyJson, loadTopology } from '../../../src/hwloc/index.js';
import { haveMachines, loadAsLstopo, recordedMachines } from '../support/machines.js';

const schema = JSON.parse(
  readFileSync(new URL('../../../docs/topology.schema.json', import.meta.url), 'utf8'),
) as object;
// strictRequired: the names that a condition requires are defined outside of it.
const validate = new Ajv({
  allErrors: true,
  strict: true,
  strictRequired: false,
  strictTypes: false,
}).compile(schema);

function jsonOf(topology: Topology): TopologyJson {
  return JSON.parse(JSON.stringify(topology)) as TopologyJson;
}

function* below(object: ObjectJson): Generator<ObjectJson, void, undefined> {
  yield object;
  const { children, memoryChildren, ioChildren, miscChildren } = object;
  for (const list of [children, memoryChildren, ioChildren, miscChildren]) {
    for (const child of list ?? []) yield* below(child);
  }
}

function check(topology: Topology): void {
  const json = jsonOf(topology);
  expect(validate(json), JSON.stringify(validate.errors?.slice(0, 3))).toBe(true);
  const objects = [...topology];
  const inJson = [...below(json.root)];
  expect(inJson.map(({ gpIndex }) => gpIndex)).toEqual(objects.map(({ gpIndex }) => gpIndex));
  inJson.forEach((each, i) => {
    expect(each.cpuset).toBe(objects[i]?.cpuset?.toListString());
    expect(each.attributes).toEqual(plain(objects[i]?.attributes));
    expect(each.infos ?? []).toEqual(objects[i]?.infos);
  });
}

const plain = (value: unknown): unknown =>
  value === undefined ? undefined : (JSON.parse(JSON.stringify(value)) as unknown);

describe('the JSON of a topology', () => {
  test('keeps to docs/topology.schema.json on this machine', async () => {
    const topology = await loadTopology();
    check(topology);
    topology.close();
  });

  test.skipIf(!haveMachines).each(recordedMachines.map((machine) => [machine.name, machine] as const))(
    'keeps to docs/topology.schema.json on %s',
    async (_, machine) => {
      const { environment, dispose } = machine.prepare();
      const topology = await loadAsLstopo(environment);
      check(topology);
      topology.close();
      dispose();
    },
  );

  test('has the matrices with the objects by their number', async () => {
    const topology = await loadTopology({ source: { synthetic: 'numa:4 pu:1' } });
    expect(jsonOf(topology)).toMatchObject({
      version: 1,
      isThisSystem: false,
      allowedCpuset: '0-3',
      support: { cpubind: { setThisProcess: false } },
    });
    topology.close();
  });

  test('of one object is it and what is below', async () => {
    const topology = await loadTopology({ source: { synthetic: 'pack:2 core:2 pu:1' } });
    const [first] = topology.objects('Package');
    expect(JSON.parse(JSON.stringify(first))).toMatchObject({
      type: 'Package',
      cpuset: '0-1',
      children: [{}, {}],
    });
    topology.close();
  });

  test('a schema that refuses something', () => {
    expect(validate({ version: 2 })).toBe(false);
  });
});
