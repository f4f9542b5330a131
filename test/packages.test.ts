// scripts/packages.json names the package of every program, header, library and file that tests and scripts use: a fresh machine has
// nothing else.
import { readFileSync, readdirSync } from 'node:fs';
import { basename, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { findCommand } from './support/commands.js';
import {
  closureOf,
  includedFile,
  libraryFile,
  ownersOf,
  whyPackagesMissing,
} from './support/debian-packages.js';
import { type Use, usesIn } from './support/program-uses.js';
import { installed, unlessMissing } from './support/programs.js';

type Purpose = 'start' | 'test' | 'bench' | 'roots';

interface Package {
  readonly for: readonly Purpose[];
  readonly programs?: readonly string[];
  readonly headers?: readonly string[];
  readonly libraries?: readonly string[];
  /** By their absolute paths. */
  readonly files?: readonly string[];
}

const root = join(import.meta.dirname, '..');
const list = JSON.parse(readFileSync(join(root, 'scripts/packages.json'), 'utf8')) as Record<string, Package>;
const lists = { program: 'programs', header: 'headers', library: 'libraries', file: 'files' } as const;

/** What a fresh machine has beside the essential packages: see scripts/roots/make.mjs. */
const fresh = ['apt', 'ca-certificates', 'git', 'nodejs', 'npm'];

/** Names of programs that need no package, each for another reason. */
const others: readonly string[] = [
  // Node and npm may come from elsewhere.
  ...['node', 'npm', 'npx'],
  ...readdirSync(join(root, 'node_modules/.bin')),
  // It is used where it is there, and not needed.
  ...['sudo'],
  // Not there, on purpose; or no program in the places where they stand, but a word.
  ...[
    'no-such-launcher',
    'local',
    'file',
    'man',
    'prterun',
    'python',
    'red',
    'reboot',
    'ssh',
    'w',
    'wall',
    'write',
  ],
];

/** Commands of the shell itself, which may be programs, too. */
const builtins = ['kill', 'time'];

// Not this file: it has names of all kinds.
const sources = ['test', 'scripts', 'bench', 'clients', 'examples', '.ci']
  .flatMap(filesIn)
  .filter((file) => file !== 'test/packages.test.ts');
const ownHeaders = sources.map((file) => basename(file)).filter((name) => name.endsWith('.h'));
const uses = [...sources, 'src/xmlfile/front.sh']
  .flatMap((file) => usesIn(join(root, file)).map((use) => ({ ...use, file })))
  .filter(({ kind, name }) => kind !== 'header' || !ownHeaders.includes(name));

function filesIn(folder: string): string[] {
  return readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(root.length + 1));
}

/** The package that is there for something. */
function packageOf({ kind, name }: Use): string | undefined {
  return Object.keys(list).find((each) => list[each]?.[lists[kind]]?.includes(name));
}

/** For what a file's programs are: what is installed before it runs. */
function purposesOf(file: string): readonly Purpose[] {
  if (file.startsWith('bench/')) return ['bench', 'test'];
  if (/^scripts\/(test-)?roots/.test(file)) return ['roots'];
  return ['test'];
}

/** Where this machine has it; `undefined` if it has not. */
function pathOf({ kind, name }: Use): string | undefined {
  if (kind === 'program') return findCommand(name);
  if (kind === 'library') return libraryFile(name);
  return kind === 'header' ? includedFile(name) : name;
}

test('the sources are found, and what they use', () => {
  const found = (kind: Use['kind'], name: string, file: string) =>
    uses.some((use) => use.kind === kind && use.name === name && use.file === file);
  expect(found('program', 'srun', 'test/support/jobs.ts')).toBe(true);
  expect(found('program', 'strace', 'test/languages/fixtures/mix.sh')).toBe(true);
  expect(found('program', 'mmdebstrap', 'scripts/roots/make.mjs')).toBe(true);
  expect(found('header', 'hwloc.h', 'clients/c/hwloc_share.h')).toBe(true);
  expect(found('library', 'libmpich.so.12', 'test/jobs/xmlfile.test.ts')).toBe(true);
});

// Programs that the list leaves out can be told from other words only where all packages are installed. (Which programs a package has
// differs between releases.)
unlessMissing(whyPackagesMissing(packagesFor('test'))).describe('on Debian', () => {
  test('every program, header, library and file is in a package that is listed, or always there', () => {
    const wanted = uses.filter(
      ({ kind, name }) => kind !== 'program' || ![...others, ...builtins].includes(name),
    );
    const owners = ownersOf(wanted.flatMap((use) => pathOf(use) ?? []));
    const always = closureOf(fresh);
    const reached: Record<Purpose, ReadonlySet<string>> = {
      start: closureOf(packagesFor('start')),
      test: closureOf(packagesFor('test')),
      bench: closureOf(packagesFor('bench')),
      roots: closureOf(packagesFor('roots')),
    };
    const missing = wanted.flatMap((use) => {
      const purposes = purposesOf(use.file);
      const listed = list[packageOf(use) ?? '']?.for.some((purpose) => purposes.includes(purpose)) === true;
      const path = pathOf(use);
      const owner = path === undefined ? undefined : owners.get(path);
      // A program is listed by its name, so that this test finds it also where it is not installed.
      // It may also come with a package that is listed for something else; a program not with one that only that one depends on.
      const isThere =
        owner !== undefined &&
        (always.has(owner) ||
          purposes.some((purpose) =>
            use.kind === 'program'
              ? list[owner]?.for.includes(purpose) === true
              : reached[purpose].has(owner),
          ));
      // A word that names nothing on this machine means something else, if it does not stand where only a name can.
      const isNothing = !use.isCertain && owner === undefined;
      return listed || isThere || isNothing ? [] : [`${use.file}: ${use.name} (${owner ?? 'not installed'})`];
    });
    expect([...new Set(missing)]).toEqual([]);
  });

  test('each package has what it is listed for', () => {
    const names = Object.keys(list);
    const things = names.flatMap((name) =>
      Object.entries(lists).flatMap(([kind, key]) =>
        (list[name]?.[key] ?? []).map(
          (thing) => ({ package: name, kind, name: thing }) as Use & { package: string },
        ),
      ),
    );
    const owners = ownersOf(things.flatMap((thing) => pathOf(thing) ?? []));
    const wrong = things.filter((thing) => {
      const owner = owners.get(pathOf(thing) ?? '');
      return owner !== undefined && !closureOf([thing.package]).has(owner);
    });
    expect(wrong.map((thing) => `${thing.name} is not in ${thing.package}`)).toEqual([]);
  });
});

test('each package is listed for something that is used', () => {
  const names = new Set(uses.map(({ kind, name }) => `${kind} ${name}`));
  const unused = Object.entries(list).flatMap(([name, each]) =>
    Object.entries(lists).flatMap(([kind, key]) =>
      (each[key] ?? []).filter((thing) => !names.has(`${kind} ${thing}`)).map((thing) => `${name}: ${thing}`),
    ),
  );
  expect(unused).toEqual([]);
});

function packagesFor(purpose: Purpose): string[] {
  return Object.keys(list).filter((name) => list[name]?.for.includes(purpose));
}

describe('what a source uses', () => {
  const of = (file: string, text: string) =>
    usesIn(file, text).map(({ kind, name, isCertain }) => `${kind} ${name}${isCertain ? '' : '?'}`);

  test.each([
    ["execFileSync('make', ['-C', folder])", ['program make']],
    ["await runJob(['strace', '-f', 'true'])", ['program strace', 'program true?']],
    ["installed('cc', '/usr/include/hwloc.h')", ['program cc', 'file /usr/include/hwloc.h?']],
    ["spawn(findCommand('setpriv') ?? 'setpriv', [])", ['program setpriv', 'program setpriv']],
    [
      "wrapper('sh', '-c', 'if true; then exec hwloc-bind pu:0; fi')",
      ['program sh?', 'program true?', 'program hwloc-bind?'],
    ],
    ["const words = ['-lhwloc', '-l:libmpich.so.12'];", ['library libhwloc.so?', 'library libmpich.so.12?']],
    ["writeFileSync(file, '#include <mpi.h>\\n');", ['header mpi.h']],
    ["const file = 'machine.tar.bz2';", ['program bzip2']],
    ["test('strace is a word here', () => {});", []],
  ])('%s', (text, expected) => {
    expect(of('a.ts', text)).toEqual(expected);
  });

  test('of a shell script, the first word of each command', () => {
    const script = '# mount is not\nA=1 mount x /etc/hosts | grep y && exec unshare --pid sh\n';
    expect(of('a.sh', script)).toEqual([
      'program mount?',
      'program grep?',
      'program unshare?',
      'file /etc/hosts?',
    ]);
  });
});

installed('cc').test('headers are found where the compiler finds them', () => {
  expect(includedFile('stdio.h')).toMatch(/^\/usr\/include\/stdio\.h$/);
  expect(includedFile('no/such.h')).toBeUndefined();
});
