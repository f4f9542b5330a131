// docs/recipes.md, word for word, in a folder in which the package is installed; and docs/not-offered.md against hwloc's headers.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, readdirSync, symlinkSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { launcher } from '../launchers/available.js';
import { type Slurm, startSlurm } from '../launchers/slurm.js';
import { blocksOf } from '../support/blocks.js';
import { findCommand } from '../support/commands.js';
import { install } from '../support/installed.js';
import { installed } from '../support/programs.js';

const root = resolve(import.meta.dirname, '../..');
const { folder, command } = install({ koffi: true });
const bin = join(folder, 'bin');
mkdirSync(bin);
symlinkSync(command, join(bin, 'hwloc-share'));
// Debian may have both MPIs: the compiler and the launcher must be of one.
for (const name of ['mpicc', 'mpirun']) {
  const file = findCommand(`${name}.openmpi`);
  if (file !== undefined) symlinkSync(file, join(bin, name));
}

/** A block by the name of the file that it writes, or by a word of its command. */
function block(word: string): string {
  const found = blocksOf('docs/recipes.md').filter(({ text }) => text.includes(word));
  expect(found, word).toHaveLength(1);
  return found[0]?.text ?? '';
}

/** The lines that a block prints, sorted: ranks come in any order. */
function linesOf(word: string, env: NodeJS.ProcessEnv = {}): string[] {
  const { status, stdout, stderr } = spawnSync('bash', ['-euo', 'pipefail', '-c', block(word)], {
    cwd: folder,
    env: {
      ...{ PATH: `${bin}:${process.env.PATH ?? ''}`, HOME: process.env.HOME },
      ...{ OMPI_ALLOW_RUN_AS_ROOT: '1', OMPI_ALLOW_RUN_AS_ROOT_CONFIRM: '1' },
      ...{ OMPI_MCA_rmaps_base_oversubscribe: '1', SLURM_OVERCOMMIT: '1' },
      ...env,
    },
    encoding: 'utf8',
    timeout: 120_000,
  });
  expect({ status, stderr: status === 0 ? '' : stderr }).toEqual({ status: 0, stderr: '' });
  return stdout.trimEnd().split(/\r?\n/).sort();
}

describe('docs/recipes.md', () => {
  test('has nine blocks, each of which some test here runs', () => {
    const ours = readFileSync(import.meta.filename, 'utf8');
    const names = blocksOf('docs/recipes.md').map(
      ({ text }) => /cat > (\S+)|--bind-to core/.exec(text)?.[0] ?? text,
    );
    expect(names.length).toBeGreaterThanOrEqual(9);
    expect(names.filter((name) => !ours.includes(`'${name}'`))).toEqual([]);
  });

  test('binds ranks to cores by an option', () => {
    expect(linesOf('--bind-to core')).toEqual([
      expect.stringMatching(/^\[0\] Cpus_allowed_list:\s*[\d,-]+$/),
      expect.stringMatching(/^\[1\] Cpus_allowed_list:\s*[\d,-]+$/),
    ]);
  });

  test('binds ranks to cores in the rank', () => {
    for (const [rank, line] of linesOf('cat > core.mjs').entries()) {
      expect(line).toMatch(new RegExp(`^rank ${rank}: Core L#\\d+, CPUs [\\d,-]+$`));
    }
  });

  test('spreads ranks over packages', () => {
    for (const [rank, line] of linesOf('cat > packages.mjs').entries()) {
      expect(line).toMatch(new RegExp(`^rank ${rank}: Package L#\\d+, Core L#\\d+$`));
    }
  });

  test('finds the cores near devices', () => {
    // An imaginary device would be bound to nothing; a machine without a network card prints nothing.
    for (const line of linesOf('cat > near.mjs'))
      expect(line).toMatch(/^$|^\S+ ".*": cores [\d ]*, CPUs [\d,-]+$/);
  });

  test('prints a table of caches', () => {
    const lines = linesOf('cat > caches.mjs', {
      HWLOC_SYNTHETIC: 'l3:2(size=33554432) l2:4(size=1048576) core:1 pu:2',
    });
    expect(lines.join('\n')).toMatch(/L3Cache │ 2 +│ 32768 .*│ 8 /);
    expect(lines.join('\n')).toMatch(/L2Cache │ 8 +│ 1024 .*│ 2 /);
  });

  test('takes memory near the core', () => {
    for (const [rank, line] of linesOf('cat > memory.mjs').entries()) {
      expect(line).toMatch(new RegExp(`^rank ${rank}: 8388608 bytes on NUMA nodes [\\d,-]+$`));
    }
  });

  test('shares a lookup table', () => {
    expect(linesOf('cat > table.mjs')).toEqual([
      'rank 0: 999 squared is 998001',
      'rank 1: 999 squared is 998001',
    ]);
  });

  launcher('openmpi').describe('under Open MPI', () => {
    installed('mpicc.openmpi', 'mpirun.openmpi').test('runs a program with MPI and OpenMP', () => {
      const lines = linesOf('cat > hybrid.c');
      expect(lines.map((line) => line.replace(/\d+$/, 'N'))).toEqual([
        ...Array<string>(2).fill('rank 0: a thread on CPU N'),
        ...Array<string>(2).fill('rank 1: a thread on CPU N'),
      ]);
    });
  });

  launcher('slurm').describe('under Slurm', () => {
    let slurm: Slurm;
    beforeAll(async () => {
      slurm = await startSlurm();
    });
    afterAll(() => slurm.stop());

    test('sets variables for each rank by a task prolog', () => {
      expect(linesOf('cat > prolog.sh', slurm.env)).toEqual(['rank 0: adopted', 'rank 1: adopted']);
    });
  });
});

/** The functions that hwloc's headers declare: all but those for other libraries. */
function declared(): string[] {
  const headers = '/usr/include/hwloc';
  const others =
    /^(cuda|cudart|gl|glibc-sched|levelzero|linux|linux-libnuma|nvml|opencl|openfabrics-verbs|amdsmi|rsmi|plugins|rename|deprecated|windows)\.h$/;
  const files = [
    '/usr/include/hwloc.h',
    ...readdirSync(headers)
      .filter((name) => name.endsWith('.h') && !others.test(name))
      .map((name) => join(headers, name)),
  ];
  const names = files.flatMap((file) => {
    const text = readFileSync(file, 'utf8').replace(/\/\*[^]*?\*\//g, '');
    return [...text.matchAll(/\b(hwloc_[a-z0-9_]+) *\(/g)].map(([, name = '']) => name);
  });
  return [...new Set(names)].sort();
}

installed('/usr/include/hwloc.h').describe('docs/not-offered.md', () => {
  const page = readFileSync(join(root, 'docs/not-offered.md'), 'utf8');
  const listed = [...page.matchAll(/\bhwloc_[a-z0-9_]+/g)].map(([name]) => name);
  const sources = readdirSync(join(root, 'src/hwloc'), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts'))
    .map((name) => readFileSync(join(root, 'src/hwloc', name), 'utf8'))
    .join('\n');
  const isOffered = (name: string) => new RegExp(`\\b${name}\\b`).test(sources);

  test('lists each function of hwloc that nothing of ours stands on', () => {
    const functions = declared();
    expect(functions.length).toBeGreaterThan(150);
    expect(functions.filter((name) => !isOffered(name) && !listed.includes(name))).toEqual([]);
  });

  test('lists no function that is offered', () => {
    expect(listed.filter(isOffered)).toEqual([]);
  });
});

test('the pages that these tests read are there', () => {
  for (const page of ['recipes', 'not-offered']) expect(existsSync(join(root, `docs/${page}.md`))).toBe(true);
});
