// What programs in C and Python get beside the rendezvous: objects, sets, binding, data, options, and errors.
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import {
  type ObjectType,
  type Topology,
  type TopologyObject,
  loadTopology,
  objectTypes,
} from '../../src/hwloc/index.js';
import { haveMachines, recordedMachines } from '../hwloc/support/machines.js';
import { installed, unlessMissing } from '../support/programs.js';
import { runSharedJob } from '../support/shared-job.js';
import { wrapper } from '../support/wrapper.js';
import { compile, fixture, forC, inC, inPython, pythonCommand, pythonEnvironment } from './ranks.js';

/** What fixtures/topology.py prints of an object. Of several infos of one name, the first counts. */
function inJson(object: TopologyObject) {
  const { children, memoryChildren, ioChildren, miscChildren } = object;
  const infos: Record<string, string> = {};
  for (const { name, value } of object.infos) infos[name] ??= value;
  return {
    logicalIndex: object.logicalIndex,
    osIndex: object.osIndex ?? null,
    name: object.name ?? null,
    subtype: object.subtype ?? null,
    depth: object.depth,
    gpIndex: object.gpIndex,
    cpuset: object.cpuset?.toListString() ?? null,
    nodeset: object.nodeset?.toListString() ?? null,
    parent: object.parent?.gpIndex ?? null,
    children: [...children, ...memoryChildren, ...ioChildren, ...miscChildren].map(({ gpIndex }) => gpIndex),
    infos,
    attributes: attributesOf(object.attributes),
  };
}

/** Attributes in Python's words, without those that it does not have. */
function attributesOf(attributes: object | undefined): Record<string, unknown> {
  const left = ['page_types', 'subkind', 'dont_merge', 'domain', 'bus', 'device', 'function', 'prog_if'];
  const more = ['subvendor_id', 'subdevice_id', 'revision', 'upstream', 'downstream'];
  const in3 = ['memory_tier', 'cpu_kind', 'inclusive'];
  const words = Object.entries(attributes ?? {}).map(
    ([name, value]: [string, unknown]): [string, unknown] => [
      name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`),
      value === undefined ? 0 : value === 'full' ? -1 : value,
    ],
  );
  const known = words.filter(([name]) => ![...left, ...more, ...in3].includes(name));
  // Of bridges, Python tells nothing.
  return attributes !== undefined && 'upstream' in attributes ? {} : Object.fromEntries(known);
}

/** The same of all objects, by type. */
function allInJson(topology: Topology): Partial<Record<ObjectType, unknown[]>> {
  return Object.fromEntries(objectTypes.map((type) => [type, topology.objects(type).map(inJson)]));
}

installed('python3').describe('the package in Python', () => {
  const env = { ...pythonEnvironment, PATH: process.env.PATH };

  test('holds what it promises of sets, binding, data, options and closed sessions', () => {
    execFileSync(pythonCommand(), [fixture('package.py')], { env, stdio: 'pipe' });
  });

  test('has the version of this package', () => {
    const { version } = JSON.parse(readFileSync('package.json', 'utf8')) as { version: string };
    expect(readFileSync(join(inPython, 'pyproject.toml'), 'utf8')).toContain(`\nversion = "${version}"\n`);
    expect(readFileSync(join(inC, 'Makefile'), 'utf8')).toContain(`\nVERSION = ${version}\n`);
  });

  unlessMissing(haveMachines ? undefined : 'no recorded machines', false).describe('reads', () => {
    const machines = recordedMachines.flatMap(({ name, xml }) =>
      xml === undefined ? [] : [{ name, file: xml }],
    );

    test(
      `the objects of ${machines.length} recorded machines as Node does`,
      { timeout: 120_000 },
      async () => {
        const output = execFileSync(
          pythonCommand(),
          [fixture('topology.py'), objectTypes.join(','), ...machines.map(({ file }) => file)],
          { env, encoding: 'utf8', maxBuffer: 1 << 28, stdio: ['ignore', 'pipe', 'pipe'] },
        );
        const lines = output.trimEnd().split('\n');
        expect(lines).toHaveLength(machines.length);
        for (const [i, { name, file }] of machines.entries()) {
          const topology = await loadTopology({ source: { xmlFile: file }, io: 'all' });
          expect({ name, ...(JSON.parse(lines[i] ?? '') as object) }).toEqual({
            name,
            ...allInJson(topology),
          });
          topology.close();
        }
      },
    );
  });
});

installed(...forC).describe('the library in C', () => {
  test('holds what it promises of arguments, options, data and closed sessions', () => {
    execFileSync(compile(fixture('library.c'), ['-g', '-fsanitize=address,undefined']), { stdio: 'pipe' });
  });
});

installed(...forC, 'python3').describe('a child made by fork', () => {
  // A gate that it had open would not end when its parent closes it.
  test.each(['c', 'python'])('of a rank in %s has nothing of the channel open', async (language) => {
    const program =
      language === 'c'
        ? ['env', 'FORK=1', compile(fixture('library.c'))]
        : [pythonCommand(), fixture('fork.py')];
    const { stderr } = await runSharedJob(wrapper('local', '-n', '3', ...program), {
      env: pythonEnvironment,
    });
    expect(stderr).toBe('');
  });
});
