// The types in the package: one file for each import, which needs nothing that its users may not have, and says what is there at run time.
import { spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import ts from 'typescript';
import { beforeAll, describe, expect, test } from 'vitest';
import { temporaryFolder } from '../support/temporary.js';

const root = resolve(import.meta.dirname, '../..');
const folder = temporaryFolder();
const installed = join(folder, 'node_modules/hwloc-share');

beforeAll(() => {
  const words = ['pack', '--ignore-scripts', '--silent', '--pack-destination', folder];
  expect(spawnSync('npm', words, { cwd: root, encoding: 'utf8' })).toMatchObject({ status: 0 });
  mkdirSync(installed, { recursive: true });
  spawnSync('tar', ['-xf', 'hwloc-share-0.1.0.tgz', '-C', installed, '--strip-components', '1'], {
    cwd: folder,
  });
  writeFileSync(join(folder, 'package.json'), '{ "type": "module" }');
}, 60_000);

/** What a compiler says of a program in a folder that has nothing but the package: no types of Node either. */
function complaints(text: string, options: ts.CompilerOptions = {}): string[] {
  const file = join(folder, 'program.ts');
  writeFileSync(file, text);
  const all: ts.CompilerOptions = {
    strict: true,
    module: ts.ModuleKind.NodeNext,
    noEmit: true,
    skipLibCheck: false,
    typeRoots: [],
    ...options,
  };
  return ts
    .getPreEmitDiagnostics(ts.createProgram([file], all))
    .map((each) => `${each.file?.fileName ?? ''}: ${ts.flattenDiagnosticMessageText(each.messageText, ' ')}`);
}

const program = `
  import { type Session, join } from 'hwloc-share/rank';
  import topology, { session } from 'hwloc-share/auto';
  import { type CoreObject, CpuSet, HwlocError, type Topology, loadTopology } from 'hwloc-share/hwloc';

  const joined: Session = await join({ timeout: 5, share: () => ({ table: new Float64Array(3) }) });
  const own: Topology = await loadTopology({ source: { synthetic: 'pu:2' } });
  // One type, wherever it comes from.
  const all: Topology[] = [topology, session.topology, joined.topology, own];
  const cores: readonly CoreObject[] = own.objects('Core');
  export const sets: CpuSet[] = cores.map((core) => core.cpuset.union(CpuSet.of(1)));
  export const bytes: (number | undefined)[] = all.map(({ root }) => root.memoryChildren[0]?.totalMemory);
  export const code = (error: unknown) => (error instanceof HwlocError ? error.code : undefined);
  // An outcome narrows: only what was adopted has an address, and only the rest has a reason.
  const { outcome } = joined;
  export const end: number | string =
    outcome.how === 'adopted' ? outcome.address + outcome.length : outcome.reason.toUpperCase();
  export const why: string | undefined = outcome.reason;
  await joined.close();
`;

test('the package has one file of types for each import', () => {
  const files = readdirSync(installed, { recursive: true, encoding: 'utf8' }).filter((name) =>
    /\.d\.[cm]?ts$/.test(name),
  );
  expect(files.sort()).toEqual([
    'dist/bundle/hwloc/index.d.mts',
    // That of the name alone, and of require(): they say which import works.
    'dist/bundle/index.d.mts',
    'dist/bundle/rank/auto.d.cts',
    'dist/bundle/rank/auto.d.mts',
    'dist/bundle/rank/index.d.mts',
  ]);
});

describe('a program compiles without the types of Node, libraries checked', () => {
  test.each<[string, ts.CompilerOptions]>([
    ['as the compiler is set by itself', {}],
    [
      'with the strictest options',
      { exactOptionalPropertyTypes: true, noUncheckedIndexedAccess: true, noImplicitOverride: true },
    ],
    [
      'for a bundler',
      {
        module: ts.ModuleKind.ESNext,
        moduleResolution: ts.ModuleResolutionKind.Bundler,
        target: ts.ScriptTarget.ES2022,
      },
    ],
    [
      'for an old language',
      { target: ts.ScriptTarget.ES2020, lib: ['lib.es2020.d.ts'], module: ts.ModuleKind.Node20 },
    ],
    ['one file at a time', { isolatedModules: true, verbatimModuleSyntax: true }],
  ])(
    '%s',
    (_, options) => {
      expect(complaints(program, options)).toEqual([]);
    },
    60_000,
  );

  test('and one with mistakes does not', () => {
    const wrong = `import { join } from 'hwloc-share/rank';
      (await join({ timeout: '5' })).topology.objects('core');`;
    expect(complaints(wrong)).toEqual([
      expect.stringContaining("Type 'string' is not assignable to type 'number'"),
      expect.stringContaining('Argument of type \'"core"\' is not assignable'),
    ]);
  }, 60_000);

  test('and one that takes the address of an outcome without asking how does not', () => {
    const wrong = `import { join } from 'hwloc-share/rank';
      const { outcome } = await join();
      export const end: number = outcome.address;
      export const why: string = outcome.how === 'adopted' ? outcome.reason : '';`;
    expect(complaints(wrong)).toEqual([
      expect.stringContaining("Type 'number | undefined' is not assignable to type 'number'"),
      expect.stringContaining("Type 'undefined' is not assignable to type 'string'"),
    ]);
  }, 60_000);
});

describe('the types of values are those of what is there', () => {
  test.each(['rank', 'hwloc'])(
    'hwloc-share/%s',
    async (door) => {
      const path = join(installed, 'dist/bundle', door, 'index');
      const compiler = ts.createProgram([`${path}.d.mts`], { module: ts.ModuleKind.NodeNext, typeRoots: [] });
      const checker = compiler.getTypeChecker();
      const source = compiler.getSourceFile(`${path}.d.mts`);
      const symbol = source && checker.getSymbolAtLocation(source);
      if (symbol === undefined) throw new Error(`${path}.d.mts is no module`);
      const values = checker.getExportsOfModule(symbol).filter((each) => {
        const isTypeOnly = each.declarations?.some(
          (one) => ts.isExportSpecifier(one) && ts.isTypeOnlyExportDeclaration(one),
        );
        const target = (each.flags & ts.SymbolFlags.Alias) === 0 ? each : checker.getAliasedSymbol(each);
        return isTypeOnly !== true && (target.flags & ts.SymbolFlags.Value) !== 0;
      });
      const built = (await import(
        pathToFileURL(join(root, 'dist/bundle', door, 'index.mjs')).href
      )) as object;
      expect(values.map(({ name }) => name).sort()).toEqual(Object.keys(built).sort());
    },
    60_000,
  );

  test('a class of which only the type is exported cannot be used as a value', () => {
    expect(
      complaints(
        "import { Topology } from 'hwloc-share/hwloc';\nexport const test = (x: unknown) => x instanceof Topology;",
      ),
    ).toEqual([expect.stringContaining("'Topology' cannot be used as a value")]);
  }, 60_000);
});
