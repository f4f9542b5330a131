// The recorded machines on which the object model is tried: XML files and /sys snapshots, beside the project.

import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, rmSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import {
  type ObjectType,
  type Topology,
  type TypeFilter,
  loadTopology,
  objectTypes,
} from '../../../src/hwloc/index.js';
import { memoryFolder, temporaryFolder } from '../../support/temporary.js';

const projectRoot = join(dirname(fileURLToPath(import.meta.url)), '../../..');
const folder = join(projectRoot, '../shared/machines');

/** Whether the recorded machines are there; tests that need them are skipped where not. */
export const haveMachines = existsSync(folder);

/** A machine, and how to have libhwloc, in this process or in lstopo, discover it. */
export interface Machine {
  readonly name: string;
  /** Its XML file; undefined if it is known in another way. */
  readonly xml: string | undefined;
  /** Makes what is to be read ready, and gives the variables that make libhwloc read it. */
  readonly prepare: () => {
    readonly environment: Record<string, string>;
    readonly dispose: () => void;
  };
}

/** The machine that we run on. */
export const thisMachine: Machine = {
  name: 'the machine at hand',
  xml: undefined,
  prepare: () => ({ environment: {}, dispose: () => undefined }),
};

/** All recorded machines. */
export const recordedMachines: readonly Machine[] = haveMachines
  ? [
      ...readdirSync(join(folder, 'xml')).map((file) => fromXml(join(folder, 'xml', file))),
      ...readdirSync(join(folder, 'sysfs')).map((file) => fromSysfs(join(folder, 'sysfs', file))),
    ]
  : [];

/** A recorded machine by the beginning of its name. */
export function machine(name: string): Machine {
  const found = recordedMachines.find((each) => each.name.startsWith(name));
  if (found === undefined) throw new Error(`no recorded machine is called ${name}`);
  return found;
}

function fromXml(file: string): Machine {
  return {
    name: basename(file, '.xml'),
    xml: file,
    prepare: () => ({ environment: { HWLOC_XMLFILE: file }, dispose: () => undefined }),
  };
}

function fromSysfs(archive: string): Machine {
  return {
    name: basename(archive, '.tar.bz2'),
    xml: undefined,
    prepare: () => {
      // Ten thousand small files: 0.2 s in memory, 10 s on some disks.
      const root = existsSync('/dev/shm') ? memoryFolder() : temporaryFolder();
      execFileSync('tar', ['-xjf', archive, '-C', root]);
      const [only = ''] = readdirSync(root);
      return {
        // Without the x86 component: it would ask the CPUs of the machine at hand.
        environment: { HWLOC_FSROOT: join(root, only), HWLOC_COMPONENTS: 'linux,stop' },
        dispose: () => {
          rmSync(root, { recursive: true });
        },
      };
    },
  };
}

/** The filters with which lstopo loads: everything, groups that bring structure, and important I/O. */
export const lstopoFilters = Object.fromEntries(
  objectTypes
    .filter((type) => !['Group', 'Bridge', 'PCIDev', 'OSDev'].includes(type))
    .map((type) => [type, 'all']),
) as Partial<Record<ObjectType, TypeFilter>>;

/** Loads as lstopo does. The variables are set while libhwloc reads them. */
export async function loadAsLstopo(environment: Record<string, string>): Promise<Topology> {
  Object.assign(process.env, environment);
  try {
    return await loadTopology({ filters: lstopoFilters });
  } finally {
    for (const name of Object.keys(environment)) Reflect.deleteProperty(process.env, name);
  }
}
