// Recognising a launcher by its command; which MPI a plain mpirun is, the program itself is asked.
import { realpathSync, symlinkSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { launcherKinds, recognise } from '../../../src/launcher/kinds/index.js';
import { versionOf } from '../../../src/launcher/job/pass-on.js';
import { installed } from '../../support/programs.js';
import { findCommand } from '../../support/commands.js';
import { temporaryFolder } from '../../support/temporary.js';
import { launcher } from '../../launchers/available.js';

async function nameOf(command: string, version?: string): Promise<string | undefined> {
  let asked = false;
  const kind = await recognise(launcherKinds, command, '/nowhere', () => {
    asked = true;
    return Promise.resolve(version ?? '');
  });
  expect(asked).toBe(version !== undefined);
  return kind?.name;
}

/** Asks real programs. */
async function realNameOf(command: string): Promise<string> {
  const asked: string[] = [];
  const kind = await recognise(launcherKinds, command, process.env.PATH ?? '', (file) => {
    asked.push(file);
    return versionOf(file);
  });
  return `${kind?.name ?? 'unknown'}${asked.length > 0 ? ', asked' : ''}`;
}

test.each([
  ['mpirun.openmpi', 'openmpi'],
  ['mpiexec.openmpi', 'openmpi'],
  ['orterun', 'openmpi'],
  ['prterun', 'pmix'],
  ['mpirun_rsh', 'mvapich2'],
  ['flux', 'flux'],
  ['aprun', 'alps'],
  ['jsrun', 'jsm'],
  ['torchrun', 'torchrun'],
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
  expect(await nameOf(command, 'prterun (PRRTE) 3.0.1')).toBe('pmix');
  expect(await nameOf(command, 'Intel(R) MPI Library for Linux* OS, Version 2021.9')).toBe('intelmpi');
  expect(await nameOf(command, 'PALS version 1.3.2')).toBe('pals');
  expect(await nameOf(command, 'HYDRA build details:\n    Version:   4.0.2')).toBe('mpich');
  expect(await nameOf(command, 'something else entirely')).toBeUndefined();
  expect(await nameOf(command, '')).toBeUndefined();
});

describe('the real programs', () => {
  for (const [name, command] of [
    ['openmpi', 'mpirun.openmpi'],
    ['mpich', 'mpirun.mpich'],
  ] as const) {
    launcher(name).describe(name, () => {
      test('is recognised as mpirun by what that is a link to, and is not asked', async () => {
        expect(await realNameOf(linkNamed('mpirun', command))).toBe(name);
        expect(await realNameOf(linkNamed('mpiexec', command))).toBe(name);
      });

      test('is asked where mpirun is a program of that name', async () => {
        expect(await realNameOf(scriptNamed('mpirun', command))).toBe(`${name}, asked`);
      });
    });
  }

  installed('mpirun').test('the mpirun of this machine is what it links to', async () => {
    const target = basename(realpathSync(findCommand('mpirun') ?? ''));
    expect(await realNameOf('mpirun')).toBe(/hydra|mpich/.test(target) ? 'mpich' : 'openmpi');
  });

  test('a program that answers nothing, or is not there, is not known', async () => {
    expect(await realNameOf(scriptNamed('mpirun', 'false'))).toBe('unknown, asked');
    expect(await realNameOf('/no/such/mpirun')).toBe('unknown, asked');
  });
});

function linkNamed(name: string, command: string): string {
  const link = join(temporaryFolder(), name);
  symlinkSync(realpathSync(findCommand(command) ?? command), link);
  return link;
}

function scriptNamed(name: string, command: string): string {
  const script = join(temporaryFolder(), name);
  writeFileSync(script, `#!/bin/sh\nexec ${command} "$@"\n`, { mode: 0o755 });
  return script;
}
