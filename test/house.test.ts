// The rules of the house: which rooms there are, by which door one enters, and who may visit whom.
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import ts from 'typescript';
import { describe, expect, test } from 'vitest';

const src = join(import.meta.dirname, '..', 'src');

/** What the rooms on top may import from: all that are below them. */
const below = [
  'launcher/kinds',
  'kept',
  'channel',
  'channel/place',
  'maps',
  'libc',
  'hwloc',
  'check',
  'environment',
  'errors',
  'spool',
];

/** The rooms, and for each those that it may import from. What is below a room belongs to it, unless it is a room itself. */
const rooms: Readonly<Record<string, readonly string[]>> = {
  errors: [],
  check: ['errors'],
  environment: [],
  maps: ['errors'],
  libc: ['environment', 'errors'],
  hwloc: ['check', 'environment', 'errors', 'libc'],
  xmlfile: ['kept', 'channel', 'channel/place', 'hwloc', 'environment', 'errors'],
  'channel/place': ['errors'],
  channel: ['channel/place', 'errors', 'libc'],
  kept: ['channel', 'channel/place', 'libc', 'environment', 'errors'],
  spool: ['channel/place', 'errors'],
  'launcher/kinds': ['channel/place', 'environment', 'errors'],
  launcher: below,
  rank: below,
};

/** Packages, and the only room that may import each. */
const packages: Readonly<Record<string, string>> = {
  koffi: 'libc',
  yargs: 'launcher',
  'yargs-parser': 'launcher',
  execa: 'launcher',
  'p-limit': 'launcher',
};

interface Import {
  /** The importing file and the imported one, from src; or the name of a package. */
  readonly from: string;
  readonly to: string;
  readonly isPackage: boolean;
  /** Whether it is imported when it is needed. */
  readonly isDynamic: boolean;
}

const files = readdirSync(src, { recursive: true, encoding: 'utf8' })
  .filter((name) => name.endsWith('.ts'))
  .sort();
const imports = files.flatMap(importsOf);

/** Static imports, re-exports, dynamic imports and the types of imports: all by which a file can depend on another. */
function importsOf(file: string): Import[] {
  const found = nodesOf(ts.createSourceFile(file, textOf(file), ts.ScriptTarget.Latest)).flatMap((node) => {
    const specifier =
      ts.isImportDeclaration(node) || ts.isExportDeclaration(node)
        ? node.moduleSpecifier
        : ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword
          ? node.arguments[0]
          : ts.isImportTypeNode(node) && ts.isLiteralTypeNode(node.argument)
            ? node.argument.literal
            : undefined;
    if (specifier === undefined) return [];
    const name = ts.isStringLiteral(specifier) ? specifier.text : '(not a name)';
    return [{ name, isDynamic: ts.isCallExpression(node) }];
  });
  return found.map(({ name, isDynamic }) =>
    name.startsWith('.')
      ? { from: file, to: join(dirname(file), name).replace(/\.js$/, '.ts'), isPackage: false, isDynamic }
      : { from: file, to: name, isPackage: true, isDynamic },
  );
}

/** A node and all that is in it. */
function nodesOf(node: ts.Node): ts.Node[] {
  const inside: ts.Node[] = [];
  ts.forEachChild(node, (child) => void inside.push(...nodesOf(child)));
  return [node, ...inside];
}

function textOf(file: string): string {
  return readFileSync(join(src, file), 'utf8');
}

/** The innermost room that a file is in. */
function roomOf(file: string): string {
  const room = Object.keys(rooms)
    .filter((name) => file.startsWith(`${name}/`))
    .sort((a, b) => b.length - a.length)[0];
  return room ?? '(no room)';
}

function say({ from, to }: Import): string {
  return `${from} imports ${to}`;
}

test('there is something to look at', () => {
  expect(files.length).toBeGreaterThan(50);
  expect(imports.length).toBeGreaterThan(150);
  expect(
    imports.some(({ from, to }) => from === 'launcher/command-line/command-options.ts' && to === 'yargs'),
  ).toBe(true);
  expect(imports.some(({ from, to }) => from === 'rank/join.ts' && to === 'hwloc/index.ts')).toBe(true);
});

test('every file is in a room', () => {
  expect(files.filter((file) => roomOf(file) === '(no room)')).toEqual([]);
});

test('every room has a door', () => {
  expect(Object.keys(rooms).filter((room) => !existsSync(join(src, room, 'index.ts')))).toEqual([]);
});

test('every import leads to a file that is there', () => {
  const astray = imports.filter(({ to, isPackage }) => !isPackage && !files.includes(to));
  expect(astray.map(say)).toEqual([]);
});

test('a room is entered by its door only', () => {
  const sneaking = imports.filter(
    ({ from, to, isPackage }) => !isPackage && roomOf(from) !== roomOf(to) && to !== `${roomOf(to)}/index.ts`,
  );
  expect(sneaking.map(say)).toEqual([]);
});

test('imports point the way that the design says', () => {
  const wrongWay = imports.filter(({ from, to, isPackage }) => {
    const [here, there] = [roomOf(from), roomOf(to)];
    return !isPackage && here !== there && rooms[here]?.includes(there) !== true;
  });
  expect(wrongWay.map(say)).toEqual([]);
});

test('C functions, and addresses in memory, stay in src/libc and src/hwloc', () => {
  // What the door of src/libc gives to every room. The rest of it takes or returns addresses, or koffi's own values.
  const forAll = `
    HwlocError KoffiNotLoadedError koffiVersion
    Status statusAt statusOf linkAt mkfifo writeText allocate anonymousFile
    Bytes lockBytes lockOnBytes unlockBytes Watch watch
    Reservation pageSize reserve setFirst threadName
    openPipe setThreadAffinity threadAffinity
    ProcessEnd Program endOf spawnExactly textIn namesUnder numbersIn
  `.match(/\w+/g);
  const others = files.filter((file) => !['libc', 'hwloc'].includes(roomOf(file)));
  const taken = others.flatMap((file) => namesFrom(file, 'libc/index.ts'));
  expect(taken).toContain('mkfifo');
  expect(taken.filter((name) => forAll?.includes(name) !== true)).toEqual([]);
});

/** The names that a file imports from another. */
function namesFrom(file: string, imported: string): string[] {
  const source = ts.createSourceFile(file, textOf(file), ts.ScriptTarget.Latest);
  return source.statements.flatMap((statement) => {
    if (!ts.isImportDeclaration(statement) && !ts.isExportDeclaration(statement)) return [];
    const specifier = statement.moduleSpecifier;
    if (specifier === undefined || !ts.isStringLiteral(specifier)) return [];
    if (join(dirname(file), specifier.text).replace(/\.js$/, '.ts') !== imported) return [];
    const names = ts.isImportDeclaration(statement)
      ? statement.importClause?.namedBindings
      : statement.exportClause;
    if (names === undefined || !('elements' in names)) return ['everything'];
    return names.elements.map((each) => (each.propertyName ?? each.name).text);
  });
}

test('the rooms have no cycle among them, as the table above must not have', () => {
  const reaches = (from: string, seen: readonly string[] = []): string[] =>
    (rooms[from] ?? []).flatMap((to) => (seen.includes(to) ? [to] : [to, ...reaches(to, [...seen, to])]));
  expect(Object.keys(rooms).filter((room) => reaches(room).includes(room))).toEqual([]);
});

describe('no cycle of files within a room', () => {
  test.each(Object.keys(rooms))('%s', (room) => {
    // What is imported when it is needed, or as a type, is no matter when a file is loaded.
    expect(cyclesIn(room, new Map(files.map((file) => [file, loadedWith(file)])))).toEqual([]);
  });
});

describe('no cycle of files within a room, with what is imported as a type', () => {
  // In hwloc, the classes of one topology and its objects refer to each other.
  test.each(Object.keys(rooms).filter((room) => room !== 'hwloc'))('%s', (room) => {
    const next = new Map(
      files.map((file) => [
        file,
        imports.filter(({ from, isDynamic }) => from === file && !isDynamic).map(({ to }) => to),
      ]),
    );
    expect(cyclesIn(room, next)).toEqual([]);
  });
});

/** Ways from files of a room back to themselves. */
function cyclesIn(room: string, next: ReadonlyMap<string, readonly string[]>): string[] {
  const cycles = new Set<string>();
  const done = new Set<string>();
  const walk = (file: string, path: readonly string[]): void => {
    const at = path.indexOf(file);
    if (at !== -1) cycles.add([...path.slice(at), file].join(' → '));
    else if (!done.has(file)) {
      for (const to of (next.get(file) ?? []).filter((each) => roomOf(each) === room)) {
        walk(to, [...path, file]);
      }
      done.add(file);
    }
  };
  for (const file of files.filter((each) => roomOf(each) === room)) walk(file, []);
  return [...cycles];
}

/** The files that are loaded before this one: imports and re-exports that are not of types only. */
function loadedWith(file: string): string[] {
  const source = ts.createSourceFile(file, textOf(file), ts.ScriptTarget.Latest);
  return source.statements.flatMap((statement) => {
    const isForTypes = ts.isImportDeclaration(statement)
      ? statement.importClause?.phaseModifier === ts.SyntaxKind.TypeKeyword
      : ts.isExportDeclaration(statement) && statement.isTypeOnly;
    if (!ts.isImportDeclaration(statement) && !ts.isExportDeclaration(statement)) return [];
    const specifier = statement.moduleSpecifier;
    if (isForTypes || specifier === undefined || !ts.isStringLiteral(specifier)) return [];
    if (!specifier.text.startsWith('.')) return [];
    return [relative('.', join(dirname(file), specifier.text)).replace(/\.js$/, '.ts')];
  });
}

/** A file and all that is loaded before it runs. */
function loadedBefore(file: string, loaded = new Set<string>()): Set<string> {
  if (!loaded.has(file)) {
    loaded.add(file);
    for (const next of loadedWith(file)) loadedBefore(next, loaded);
  }
  return loaded;
}

test('what stands in front of a job loads nothing but what it needs', () => {
  const loaded = [...loadedBefore('launcher/bin.ts')];
  expect(loaded).toContain('launcher/run/run.ts');
  const rare = loaded.filter(
    (file) =>
      (file.startsWith('launcher/commands/') && file !== 'launcher/commands/index.ts') ||
      ['maps', 'libc', 'hwloc', 'channel'].includes(roomOf(file)),
  );
  expect(rare).toEqual([]);
  const loadedPackages = imports.filter(({ from, to }) => loaded.includes(from) && to in packages);
  expect(loadedPackages.map(say)).toEqual([]);
});

describe('the help of a command loads nothing of what it does', () => {
  test.each(files.filter((file) => /^launcher\/commands\/[^/]+$/.test(file)))('%s', (file) => {
    const heavy = [...loadedBefore(file)].filter((each) =>
      ['maps', 'libc', 'hwloc', 'channel'].includes(roomOf(each)),
    );
    expect(heavy).toEqual([]);
  });
});

test('a rank loads nothing of what a report takes, unless it is asked for one', () => {
  const loaded = [...loadedBefore('rank/index.ts'), ...loadedBefore('rank/auto.ts')];
  expect(loaded).toContain('rank/member/perform.ts');
  expect(loaded.filter((file) => file === 'rank/report/recorder.ts' || roomOf(file) === 'spool')).toEqual([]);
});

test.each(Object.entries(packages))('%s is imported in src/%s only', (name, room) => {
  const users = imports.filter(({ to }) => to === name || to.startsWith(`${name}/`));
  expect(users.length).toBeGreaterThan(0);
  expect(users.filter(({ from }) => roomOf(from) !== room).map(say)).toEqual([]);
});

test('packages are those of package.json, and Node’s own by their full names', () => {
  // What is bundled is needed to build, not to run: test/package tells the two apart.
  const { dependencies, devDependencies } = JSON.parse(
    readFileSync(join(src, '..', 'package.json'), 'utf8'),
  ) as Record<'dependencies' | 'devDependencies', Record<string, string>>;
  const known = Object.keys({ ...dependencies, ...devDependencies });
  const strange = imports.filter(
    ({ to, isPackage }) => isPackage && !to.startsWith('node:') && !known.includes(to),
  );
  expect(strange.map(say)).toEqual([]);
});

test('the environment is read in src/environment only', () => {
  const users = files.filter((file) =>
    nodesOf(ts.createSourceFile(file, textOf(file), ts.ScriptTarget.Latest)).some(
      (node) =>
        (ts.isPropertyAccessExpression(node) && node.name.text === 'env' && isProcess(node.expression)) ||
        (ts.isElementAccessExpression(node) && isProcess(node.expression)) ||
        (ts.isVariableDeclaration(node) && node.initializer !== undefined && isProcess(node.initializer)),
    ),
  );
  expect(users).toEqual(['environment/process.ts']);
  expect(imports.filter(({ to }) => /^(node:)?process$/.test(to)).map(say)).toEqual([]);
});

/** `process`, or `globalThis.process`. */
function isProcess(node: ts.Expression): boolean {
  return (
    (ts.isIdentifier(node) && node.text === 'process') ||
    (ts.isPropertyAccessExpression(node) && node.name.text === 'process')
  );
}

test('nothing but rank/auto.ts has a default export', () => {
  const having = files.filter((file) =>
    /^export default\b|^export \{[^}]*\bdefault\b|^export \* as default\b/m.test(textOf(file)),
  );
  expect(having).toEqual(['rank/auto.ts']);
});

test('no folder has more files side by side than one can look over, but for the launchers, of which each has one', () => {
  const count = new Map<string, number>();
  for (const file of files) count.set(dirname(file), (count.get(dirname(file)) ?? 0) + 1);
  const full = [...count].filter(([folder, number]) => number > 16 && folder !== 'launcher/kinds');
  expect(full).toEqual([]);
});

test('every file opens with a line on what it does', () => {
  expect(files.filter((file) => !/^(#!.*\n)?\/\/ \S/.test(textOf(file)))).toEqual([]);
});
