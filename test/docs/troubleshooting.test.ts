// Whoever searches docs/troubleshooting.md for a message finds it: each error's code, and the fixed words of each line on stderr.
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

const codes = files
  .filter((file) => file.endsWith('errors.ts'))
  .flatMap((file) =>
    parse(file).flatMap((node) =>
      ts.isPropertyDeclaration(node) &&
      ts.isIdentifier(node.name) &&
      node.name.text === 'code' &&
      node.initializer !== undefined &&
      ts.isStringLiteral(node.initializer)
        ? [node.initializer.text]
        : [],
    ),
  );

test('each code of an error is on the page', () => {
  expect(codes.length).toBeGreaterThan(10);
  expect(codes.filter((code) => !page.includes(code))).toEqual([]);
});

test('each message that users can see is on the page, by its fixed words', () => {
  expect(spoken.length).toBeGreaterThan(30);
  const missing = spoken.filter(({ words }) => !page.includes(words));
  expect(missing.map(({ file, words }) => `${file}: ${words}`)).toEqual([]);
});
