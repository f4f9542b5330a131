// docs/troubleshooting.md has each message: the code of each error, and the fixed words of each line on stderr.
import { readFileSync, readdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import ts from 'typescript';
import { expect, test } from 'vitest';

const root = resolve(import.meta.dirname, '../..');
const src = join(root, 'src');
const page = squeeze(readFileSync(join(root, 'docs/troubleshooting.md'), 'utf8'));
const files = readdirSync(src, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.ts'));

/** The functions whose argument becomes a line on stderr. */
const tellers = /^(#?notice|#?complain|say)$/;

/** A property that holds why a rank could not share. */
const reasons = ['reason', 'refusal', 'failure'];

function nodesOf(node: ts.Node): ts.Node[] {
  const inside: ts.Node[] = [];
  ts.forEachChild(node, (child) => void inside.push(...nodesOf(child)));
  return [node, ...inside];
}

function parse(file: string): ts.Node[] {
  const text = readFileSync(join(src, file), 'utf8');
  return nodesOf(ts.createSourceFile(file, text, ts.ScriptTarget.Latest));
}

/** One space between words, and no marks of Markdown: a long line of a page may be broken anywhere. */
function squeeze(text: string): string {
  return text.replace(/[`*]/g, '').replace(/\s+/g, ' ');
}

/** The parts of a text that are always the same, as far as they are words enough to be looked for. */
function fixedWords(nodes: readonly ts.Node[]): string[] {
  return nodes
    .flatMap(nodesOf)
    .flatMap((node) =>
      ts.isStringLiteral(node) ||
      ts.isNoSubstitutionTemplateLiteral(node) ||
      ts.isTemplateHead(node) ||
      ts.isTemplateMiddle(node) ||
      ts.isTemplateTail(node)
        ? [node.text]
        : [],
    )
    .flatMap((text) => text.split('THEM'))
    .map((text) => squeeze(text).replace(/^[^\w-]+|[^\w-]+$/g, ''))
    .filter((text) => /[a-z] [a-z]/.test(text));
}

function nameOf(callee: ts.Expression): string {
  if (ts.isIdentifier(callee)) return callee.text;
  return ts.isPropertyAccessExpression(callee) ? callee.name.text : '';
}

const spoken = files
  .filter((file) => /^(rank|launcher|xmlfile)\//.test(file))
  .flatMap((file) =>
    parse(file).flatMap((node) => {
      if (ts.isCallExpression(node) && tellers.test(nameOf(node.expression))) {
        return fixedWords(node.arguments).map((words) => ({ file, words }));
      }
      const isReason =
        ts.isPropertyAssignment(node) && ts.isIdentifier(node.name) && reasons.includes(node.name.text);
      return isReason ? fixedWords([node.initializer]).map((words) => ({ file, words })) : [];
    }),
  );

/** Our classes of errors: the class that each extends, and its code. */
const errors = files.flatMap((file) =>
  parse(file).flatMap((node) => {
    if (!ts.isClassDeclaration(node) || node.name === undefined) return [];
    const base = node.heritageClauses?.[0]?.types[0]?.expression;
    if (base === undefined || !ts.isIdentifier(base) || !base.text.endsWith('Error')) return [];
    const parent = nodesOf(node).find(
      (each) => ts.isCallExpression(each) && each.expression.kind === ts.SyntaxKind.SuperKeyword,
    );
    const code = parent !== undefined && ts.isCallExpression(parent) ? parent.arguments[0] : undefined;
    return [
      {
        name: node.name.text,
        base: base.text,
        code: code !== undefined && ts.isStringLiteral(code) ? code.text : undefined,
      },
    ];
  }),
);

/** What is thrown where our classes cannot be loaded. */
const bundleScripts = ['doors/load.js', 'wrong-doors.mjs']
  .map((file) => readFileSync(join(root, 'scripts/bundle', file), 'utf8'))
  .join('\n');

/** The first column of the table of codes. */
const table = [
  ...readFileSync(join(root, 'docs/troubleshooting.md'), 'utf8').matchAll(/^\| `(HWLOC_SHARE_\w+)` \|/gm),
].map(([, code]) => code);

test('each of our classes of errors extends HwlocShareError, and has a code of its own', () => {
  expect(errors.length).toBeGreaterThan(10);
  expect(errors.filter(({ base }) => base !== 'HwlocShareError').map(({ name }) => name)).toEqual([
    'HwlocShareError',
  ]);
  // Its code is the name of an errno.
  const withCode = errors.filter(({ name }) => !['HwlocShareError', 'HwlocError'].includes(name));
  for (const { code, name } of withCode) expect(code, name).toMatch(/^HWLOC_SHARE_[A-Z]+(_[A-Z]+)*$/);
  expect(new Set(withCode.map(({ code }) => code)).size).toBe(withCode.length);
});

test('the table of codes on the page has each code that there is, and no other', () => {
  const thrown = [
    ...errors.flatMap(({ code }) => code ?? []),
    ...[...bundleScripts.matchAll(/'(HWLOC_SHARE_[A-Z_]+)'/g)].map(([, code]) => code),
  ];
  expect(table.length).toBeGreaterThan(10);
  expect([...table].sort()).toEqual([...new Set(thrown)].sort());
});

test('each message that users can see is on the page, by its fixed words', () => {
  expect(spoken.length).toBeGreaterThan(30);
  const missing = spoken.filter(({ words }) => !page.includes(words));
  expect(missing.map(({ file, words }) => `${file}: ${words}`)).toEqual([]);
});
