// The client in C as compilers, linkers and checkers see it.
import { execFileSync } from 'node:child_process';
import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { runJob } from '../support/job.js';
import { installed } from '../support/programs.js';
import { expectAllAdopted } from '../support/shared-job.js';
import { temporaryFolder } from '../support/temporary.js';
import { wrapper } from '../support/wrapper.js';
import {
  type Language,
  buildRanks,
  compile,
  compileAlone,
  fixture,
  inC,
  mix,
  programs,
  runMixed,
} from './ranks.js';

const source = join(inC, 'hwloc_share.c');
const functions = ['barrier', 'close', 'data', 'join', 'strerror'].map((name) => `hwloc_share_${name}`);
// What a plugin of libhwloc leaks is none of our business.
const withoutPlugins = { HWLOC_PLUGINS_PATH: '' };

/** Jobs in which each part of the source is run: a leader with members of all kinds, a member, a rank that is late. */
const jobs: { about: string; languages: Language[]; env: Record<string, string> }[] = [
  { about: 'a leader and its members', languages: ['c', 'c', 'python'], env: { BARRIER: '1', DATA: '5000' } },
  {
    about: 'members whose range is taken',
    languages: ['c', 'c', 'python'],
    env: { SQUAT: '1:1000', AWAIT: '2', HWLOC_SHARE_HOLE: '0x4abc00000000', DATA: '5000' },
  },
  {
    about: 'a late one',
    languages: ['c', 'python', 'c'],
    env: { LATE: '2', STAY: '2:0', BARRIER: '1' },
  },
  { about: 'members whose leader dies', languages: ['python', 'c', 'c'], env: { DIES: '0:0', BARRIER: '1' } },
  {
    about: 'members whose leader dies before the release',
    languages: ['python', 'c', 'c'],
    env: { KILLED: '0 ftruncate 1', BARRIER: '1' },
  },
];

/** What an object file, or a shared library, offers to others. */
function visible(file: string, options: readonly string[]): string[] {
  const symbols = execFileSync('nm', [...options, '--defined-only', file], { encoding: 'utf8' });
  return symbols.split('\n').flatMap((line) => / [TDBRVW] (\w+)$/.exec(line)?.[1] ?? []);
}

installed(...programs).describe('the client in C', () => {
  buildRanks();

  test.each(['-O0', '-O2', '-O3'])('compiles without warnings (%s)', (level) => {
    compileAlone(source, ['-std=c99', level], 'cc');
  });

  const compilers: [string, string[]][] = [
    ['cc', ['-std=c11', '-O2']],
    ['c++', ['-x', 'c++', '-std=c++11', '-O2']],
    ['c++', ['-x', 'c++', '-std=c++20', '-O2']],
    ['clang', ['-std=c99', '-O2']],
    ['clang++', ['-x', 'c++', '-std=c++11', '-O2']],
  ];
  for (const [compiler, options] of compilers) {
    installed(compiler).test(`compiles without warnings with ${compiler} ${options.join(' ')}`, () => {
      compileAlone(
        source,
        [...options, ...(compiler === 'clang' ? libraryWarnings(compiler) : [])],
        compiler,
      );
    });
  }

  for (const [compiler, standard, name] of [
    ['cc', '-std=c99', 'user.c'],
    ['c++', '-std=c++11', 'user.cc'],
  ] as const) {
    installed(compiler).test(`has a header that goes before and after any other (${standard})`, () => {
      const file = join(temporaryFolder(), name);
      for (const order of [
        ['<hwloc_share.h>', '<stdio.h>', '<hwloc.h>'],
        ['<stdio.h>', '<hwloc.h>', '<hwloc_share.h>'],
      ]) {
        const includes = order.map((each) => `#include ${each}\n`).join('');
        writeFileSync(file, `${includes}int main(void) { return sizeof(hwloc_share_session) == 0; }\n`);
        compileAlone(file, [standard], compiler);
      }
    });
  }

  installed('nm').test('offers its functions and nothing else', () => {
    expect(visible(compileAlone(source, ['-std=c99'], 'cc'), []).sort()).toEqual(functions);
  });

  installed('make', 'nm', 'pkg-config').test('is installed as two libraries that pkg-config finds', () => {
    const root = temporaryFolder();
    const build = temporaryFolder();
    execFileSync('cp', ['-r', `${inC}/.`, build]);
    execFileSync('make', ['-C', build, 'install', `DESTDIR=${root}`, 'PREFIX=/opt/share'], { stdio: 'pipe' });
    const lib = join(root, 'opt/share/lib');
    expect(readdirSync(lib).filter((name) => name.startsWith('lib')).length).toBe(4);
    expect(visible(join(lib, 'libhwloc_share.so'), ['-D']).sort()).toEqual(functions);

    const env = { ...process.env, PKG_CONFIG_PATH: join(lib, 'pkgconfig'), PKG_CONFIG_SYSROOT_DIR: root };
    const flags = execFileSync('pkg-config', ['--cflags', '--libs', 'hwloc_share'], {
      env,
      encoding: 'utf8',
    });
    const program = join(root, 'program');
    const example = join(inC, '../../examples/c/rank.c');
    const words = flags.trim().split(/\s+/);
    execFileSync('cc', ['-o', program, example, ...words, '-pthread'], { stdio: 'pipe' });
    const said = execFileSync(program, { env: { ...env, LD_LIBRARY_PATH: lib }, encoding: 'utf8' });
    expect(said).toMatch(/^rank 0 of 1: .*\(discovered\)\n$/);
    // The static library does as well.
    execFileSync('cc', [
      '-o',
      program,
      example,
      `-I${root}/opt/share/include`,
      join(lib, 'libhwloc_share.a'),
      '-lhwloc',
      '-pthread',
    ]);
    expect(execFileSync(program, { encoding: 'utf8' })).toBe(said);
  });

  describe('has no error that a checker finds', () => {
    describe('with AddressSanitizer, LeakSanitizer and UBSan', () => {
      let program: string;
      beforeAll(() => {
        program = compile(fixture('report.c'), ['-g', '-O1', '-fsanitize=address,undefined']);
      }, 120_000);
      test.each(jobs)('$about', { timeout: 60_000 }, async ({ languages, env }) => {
        await expectClean(languages, { ...env, REPORT_c: program, UBSAN_OPTIONS: 'halt_on_error=1' });
      });
    });

    installed('valgrind').describe('with valgrind', () => {
      let program: string;
      beforeAll(() => {
        program = compile(fixture('report.c'), ['-g', '-O1']);
      }, 120_000);
      // It takes valgrind forever to map a window of many terabytes.
      const quick = jobs.filter(({ env }) => env.SQUAT === undefined);
      test.each(quick)('$about', { timeout: 60_000 }, async ({ languages, env }) => {
        const memcheck = `valgrind ${leakCheck} --child-silent-after-fork=yes --suppressions=${await ownLeaks()}`;
        await expectClean(languages, { ...env, REPORT_c: `${memcheck} ${program}` });
      });
    });
  });
});

const leakCheck = '-q --leak-check=full --show-leak-kinds=all --error-exitcode=99';

/** Options without which a compiler warns of the C library's own headers: macros of glibc 2.43 have C11 in them. */
function libraryWarnings(compiler: string): string[] {
  const file = join(temporaryFolder(), 'bare.c');
  const text = 'int main(int count, char **words) { return strchr(words[0], count) == NULL; }\n';
  // As the header says it.
  writeFileSync(file, `#define _GNU_SOURCE\n#include <string.h>\n${text}`);
  try {
    compileAlone(file, ['-std=c99'], compiler);
    return [];
  } catch (error) {
    expect(String(error)).toContain('[-Werror,-Wc11-extensions]');
    return ['-Wno-c11-extensions'];
  }
}

/** What libhwloc itself leaks in hwloc_topology_load() (2.15 does), as a file for valgrind, which writes it. */
async function ownLeaks(): Promise<string> {
  const folder = temporaryFolder();
  const source = join(folder, 'bare.c');
  writeFileSync(
    source,
    `#include <hwloc.h>
     int main(void) {
       hwloc_topology_t topology;
       if (hwloc_topology_init(&topology) != 0 || hwloc_topology_load(topology) != 0) return 1;
       hwloc_topology_destroy(topology);
       return 0;
     }`,
  );
  const command = ['valgrind', ...leakCheck.split(' '), '--gen-suppressions=all', compile(source)];
  const { stderr } = await runJob(command, { env: withoutPlugins });
  const leaks = stderr.match(/^\{$[^}]*^\}$/gm) ?? [];
  const file = join(folder, 'leaks');
  // Who calls it is another one there.
  const within = leaks.map((leak) => leak.replace(/(?<=fun:hwloc_topology_load\n)[^}]*/, ''));
  writeFileSync(file, within.join('\n'));
  return file;
}

async function expectClean(languages: readonly Language[], env: Record<string, string>): Promise<void> {
  const isKilled = env.DIES !== undefined || env.KILLED !== undefined;
  const { reports, stderr } = await runMixed(
    wrapper('local', '-n', String(languages.length), ...mix(languages)),
    {
      env: { ...withoutPlugins, FLAG: join(temporaryFolder(), 'flag'), ...env },
      ...(isKilled ? { status: 137 } : {}),
      timeoutMs: 50_000,
    },
  );
  expect(stderr).not.toMatch(/==\d+==|Sanitizer|runtime error/);
  if (!isKilled && env.HWLOC_SHARE_HOLE === undefined) expectAllAdopted(reports, languages.length);
}
