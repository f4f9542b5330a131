// The programs in README.md and docs/ compile as strict TypeScript, as those who copy them expect.
import { readFileSync, readdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import ts from 'typescript';
import { expect, test } from 'vitest';

const root = resolve(import.meta.dirname, '../..');
const folder = join(root, 'snippets');

/** What the programs import beside the package. */
const modules = { 'sieve.mts': 'export declare function sieve(limit: number): Uint8Array;' };

/** Blocks of JavaScript, and the programs that blocks of shell commands write into files. */
function snippetsIn(page: string): { name: string; text: string }[] {
  const markdown = readFileSync(join(root, page), 'utf8');
  const blocks = [...markdown.matchAll(/^```(?:js|ts)\n([^]*?)^```$/gm)];
  const files = [...markdown.matchAll(/^cat > \S+\.mjs <<'END'\n([^]*?)^END$/gm)];
  return [...blocks, ...files].map((match, i) => ({
    name: `${page.replace(/\W/g, '-')}-${i + 1}.mts`,
    text: match[1] ?? '',
  }));
}

const pages = [
  'README.md',
  'CONTRIBUTING.md',
  ...readdirSync(join(root, 'docs')).map((name) => join('docs', name)),
];
const snippets = pages
  // The page of the API shows declarations.
  .filter((page) => page.endsWith('.md') && !/\bapi\b/.test(page))
  .flatMap(snippetsIn);

/** What the compiler says of programs. */
function complaints(options: ts.CompilerOptions, programs = snippets): string[] {
  const texts = new Map(
    [...Object.entries(modules), ...programs.map(({ name, text }) => [name, text] as const)].map(
      ([name, text]) => [join(folder, name), text],
    ),
  );
  const all: ts.CompilerOptions = {
    target: ts.ScriptTarget.ES2022,
    lib: ['lib.es2023.d.ts', 'lib.esnext.disposable.d.ts'],
    module: ts.ModuleKind.NodeNext,
    types: ['node'],
    skipLibCheck: true,
    noEmit: true,
    strict: true,
    paths: {
      'hwloc-share/auto': [join(root, 'src/rank/auto.ts')],
      'hwloc-share/*': [join(root, 'src/*/index.ts')],
    },
    ...options,
  };
  const files = ts.createCompilerHost(all);
  const readFile = (path: string) => texts.get(path) ?? files.readFile(path);
  const host: ts.CompilerHost = {
    ...files,
    readFile,
    fileExists: (path) => texts.has(path) || files.fileExists(path),
    directoryExists: (path) => path === folder || (files.directoryExists?.(path) ?? true),
    getSourceFile: (path, target) => {
      const text = readFile(path);
      return text === undefined ? undefined : ts.createSourceFile(path, text, target);
    },
  };
  const program = ts.createProgram([...texts.keys()], all, host);
  return [...texts.keys()]
    .map((path) => program.getSourceFile(path))
    .flatMap((file) => ts.getPreEmitDiagnostics(program, file))
    .map((each) => `${each.file?.fileName ?? ''}: ${ts.flattenDiagnosticMessageText(each.messageText, ' ')}`);
}

test('there are programs to look at', () => {
  expect(snippets.length).toBeGreaterThan(5);
  expect(snippets.some(({ text }) => text.includes('setCpuBinding'))).toBe(true);
});

test('all compile under strict', () => {
  expect(complaints({})).toEqual([]);
}, 120_000);

test('all compile under noUncheckedIndexedAccess, too', () => {
  expect(complaints({ noUncheckedIndexedAccess: true })).toEqual([]);
}, 120_000);

test('one that does not compile would be seen', () => {
  const wrong = "import { join } from 'hwloc-share/rank';\n(await join()).topology.objects('core');\n";
  expect(complaints({}, [{ name: 'wrong.mts', text: wrong }])).toEqual([
    expect.stringContaining('Argument of type \'"core"\' is not assignable'),
  ]);
}, 120_000);
