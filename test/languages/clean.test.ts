// The header as compilers and checkers see it.
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { runJob } from '../support/job.js';
import { installed } from '../support/programs.js';
import { expectAllAdopted } from '../support/shared-job.js';
import { temporaryFolder } from '../support/temporary.js';
import { wrapper } from '../support/wrapper.js';
import { buildRanks, type Language, compile, fixture, header, mix, programs, runMixed } from './ranks.js';

const rank = join(header, 'rank.c');
// What a plugin of libhwloc leaks is none of our business.
const withoutPlugins = { HWLOC_PLUGINS_PATH: '' };

/** Jobs in which each part of the header is run: a leader with members of all kinds, a member, a rank that is late. */
const jobs: { about: string; languages: Language[]; env: Record<string, string> }[] = [
  { about: 'a leader and its members', languages: ['c', 'c', 'python'], env: { BARRIER: '1' } },
  {
    about: 'members whose range is taken',
    languages: ['c', 'c', 'node'],
    env: { SQUAT: '1:1000', AWAIT: '2', HWLOC_SHARE_HOLE: '0x4abc00000000' },
  },
  {
    about: 'a late one',
    languages: ['c', 'python', 'c'],
    env: { HWLOC_SHARE_TIMEOUT: '5', LATE: '2', STAY: '2:0', BARRIER: '1' },
  },
  {
    about: 'members of which the leader dies',
    languages: ['python', 'c', 'c'],
    env: { DIES: '0:0', BARRIER: '1' },
  },
];

installed(...programs).describe('the header', () => {
  buildRanks();

  test.each(['-O0', '-O2', '-O3'])('compiles without warnings (%s)', (level) => {
    compile(rank, [level]);
  });

  installed('clang').test('compiles without warnings with clang', () => {
    compile(rank, ['-O2', ...libraryWarnings('clang')], 'clang');
  });

  test('is included by as many files as need it', () => {
    const folder = temporaryFolder();
    const user = '#include "hwloc-share.h"\nint user(hwloc_share_session *session);\n';
    writeFileSync(
      join(folder, 'user.c'),
      `${user}int user(hwloc_share_session *session) { return hwloc_share_barrier(session); }\n`,
    );
    expect(() => compile(rank, [join(folder, 'user.c')])).not.toThrow();
  });

  test('says so when it is included too late', () => {
    const file = join(temporaryFolder(), 'late.c');
    writeFileSync(
      file,
      '#include <stdio.h>\n#define HWLOC_SHARE_IMPLEMENTATION\n#include "hwloc-share.h"\nint main(void) { return 0; }\n',
    );
    expect(() => compile(file)).toThrow(/include hwloc-share\.h before any other header/);
    expect(() => compile(file, ['-D_GNU_SOURCE'])).not.toThrow();
  });

  installed('nm').test('defines nothing that does not bear its name', () => {
    const file = compile(rank, ['-O0']);
    const symbols = execFileSync('nm', ['--defined-only', file], { encoding: 'utf8' });
    const ours = symbols.split('\n').filter((line) => / [TtDdBbRr] (hws_|hwloc_share_)/.test(line));
    expect(ours.length).toBeGreaterThan(50);
    const visible = symbols
      .split('\n')
      .flatMap((line) => / [TDBR] (hws_\w+|hwloc_\w+)$/.exec(line)?.[1] ?? []);
    expect(visible.sort()).toEqual([
      'hwloc_share_barrier',
      'hwloc_share_close',
      'hwloc_share_join',
      'hwloc_share_strerror',
    ]);
  });

  describe('has no error that a checker finds', () => {
    test.each(jobs)('with AddressSanitizer, LeakSanitizer and UBSan: $about', async ({ languages, env }) => {
      const program = compile(fixture('report.c'), ['-g', '-O1', '-fsanitize=address,undefined']);
      await expectClean(languages, { ...env, REPORT_c: program, UBSAN_OPTIONS: 'halt_on_error=1' });
    });

    installed('valgrind').describe('with valgrind', () => {
      // It takes valgrind forever to map a window of many terabytes.
      test.each(jobs.filter(({ env }) => env.SQUAT === undefined))('$about', async ({ languages, env }) => {
        const program = compile(fixture('report.c'), ['-g', '-O1']);
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
    compile(file, [], compiler);
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
  const status = env.DIES === undefined ? {} : { status: 137 };
  const { reports, stderr } = await runMixed(
    wrapper('local', '-n', String(languages.length), ...mix(languages)),
    {
      env: { ...withoutPlugins, FLAG: join(temporaryFolder(), 'flag'), ...env },
      ...status,
    },
  );
  expect(stderr).not.toMatch(/==\d+==|Sanitizer|runtime error/);
  if (env.DIES === undefined && env.HWLOC_SHARE_HOLE === undefined)
    expectAllAdopted(reports, languages.length);
}
