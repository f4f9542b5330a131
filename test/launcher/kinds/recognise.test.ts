// Recognising a launcher by its command; which MPI a plain mpirun is, the program itself is asked.
import { mkdirSync, realpathSync, symlinkSync } from 'node:fs';
import { basename, join } from 'node:path';
import { execa } from 'execa';
import { describe, expect, test } from 'vitest';
import { launcherKinds, recognise } from '../../../src/launcher/kinds/index.js';
import { findCommand } from '../../support/commands.js';
import { temporaryFolder } from '../../support/temporary.js';
import { launcher } from '../../launchers/available.js';

async function nameOf(command: string, version?: string): Promise<string | undefined> {
  let asked = false;
  const kind = await recognise(launcherKinds, command, () => {
    asked = true;
    return Promise.resolve(version ?? '');
  });
  expect(asked).toBe(version !== undefined);
  return kind?.name;
}

/** Asks real programs. */
async function realNameOf(command: string): Promise<string | undefined> {
  const kind = await recognise(launcherKinds, command, async (file) => {
    const { stdout, stderr } = await execa(file, ['--version'], {
      reject: false,
      stdin: 'ignore',
      timeout: 10_000,
    });
    return `${stdout}\n${stderr}`;
  });
  return kind?.name;
}

test.each([
  ['mpirun.openmpi', 'openmpi'],
  ['mpiexec.openmpi', 'openmpi'],
  ['orterun', 'openmpi'],
  ['prterun', 'openmpi'],
  ['mpirun.mpich', 'mpich'],
  ['mpiexec.mpich', 'mpich'],
  ['mpiexec.hydra', 'mpich'],
  ['mpirun.hydra', 'mpich'],
  ['srun', 'slurm'],
  ['local', 'local'],
])('%s is %s, by any path, and is not asked', async (command, name) => {
  for (const path of ['', '/usr/bin/', './', '../odd path/']) {
    expect(await nameOf(path + command)).toBe(name);
  }
});

test.each(['node', 'sh', 'mpirunx', 'mpirun/', 'env', 'toString'])(
  '%s is no launcher, and is not asked',
  async (command) => {
    expect(await nameOf(command === 'mpirun/' ? 'mpirun/x' : command)).toBeUndefined();
  },
);

test.each(['mpirun', 'mpiexec', '/opt/bin/mpirun'])('%s is what its version says', async (command) => {
  expect(await nameOf(command, 'mpirun (Open MPI) 4.1.4\n\nReport bugs to http://www.open-mpi.org/')).toBe(
    'openmpi',
  );
  expect(await nameOf(command, 'mpirun.openmpi (OpenRTE) 4.1.4')).toBe('openmpi');
  expect(await nameOf(command, 'prterun (PRRTE) 3.0.1')).toBe('openmpi');
  expect(await nameOf(command, 'HYDRA build details:\n    Version:   4.0.2')).toBe('mpich');
  expect(await nameOf(command, 'something else entirely')).toBeUndefined();
  expect(await nameOf(command, '')).toBeUndefined();
});

describe('the real programs', () => {
  launcher('openmpi').describe('Open MPI', () => {
    test('is recognised as mpirun, by a link of that name', async () => {
      expect(await realNameOf(linkNamed('mpirun', 'mpirun.openmpi'))).toBe('openmpi');
      expect(await realNameOf(linkNamed('mpiexec', 'mpirun.openmpi'))).toBe('openmpi');
    });
  });

  launcher('mpich').describe('MPICH', () => {
    test('is recognised as mpirun, by a link of that name', async () => {
      expect(await realNameOf(linkNamed('mpirun', 'mpirun.mpich'))).toBe('mpich');
      expect(await realNameOf(linkNamed('mpiexec', 'mpirun.mpich'))).toBe('mpich');
    });
  });

  test.runIf(findCommand('mpirun') !== undefined)(
    'the mpirun of this machine is what it links to',
    async () => {
      const target = basename(realpathSync(findCommand('mpirun') ?? ''));
      expect(await realNameOf('mpirun')).toBe(/hydra|mpich/.test(target) ? 'mpich' : 'openmpi');
    },
  );
});

function linkNamed(name: string, command: string): string {
  const folder = join(temporaryFolder(), 'bin');
  mkdirSync(folder);
  const link = join(folder, name);
  symlinkSync(realpathSync(findCommand(command) ?? command), link);
  return link;
}
