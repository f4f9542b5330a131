// What the sources of this project start, include and load, found in their texts: programs, C headers, libraries and files.
import { readFileSync } from 'node:fs';
import ts from 'typescript';

export interface Use {
  /** The name of a program, a header or a library; the absolute path of a file. */
  readonly name: string;
  readonly kind: 'program' | 'header' | 'library' | 'file';
  /** Whether it is one in any case, or only if this machine has it: then it may be a word that means something else. */
  readonly isCertain: boolean;
  readonly file: string;
}

/** Functions of Node, of execa and of our own whose first argument, or first word of it, is a program. */
const starters = new Set([
  ...['spawn', 'spawnSync', 'execFile', 'execFileSync', 'execa', 'execaSync', 'findCommand', 'versionOf'],
  ...['runJob', 'startJob', 'runCommand', 'printed', 'startInRoot'],
]);

/** Functions all of whose arguments are programs. */
const needers = new Set(['installed', 'rootOnly']);

/** Functions that have a program, or another word, among their arguments. */
const takers = new Set([...starters, ...needers, 'wrapper', 'compile']);

const programName = /^[a-z][\w.+-]*$/;
const libraryName = /^lib[\w+-]+\.so(\.\d+)*$/;
const systemPath = /^\/(usr|bin|sbin|lib|etc)\/[\w./+-]+$/;

/** All that one file uses. */
export function usesIn(file: string, text = readFileSync(file, 'utf8')): Use[] {
  const found: Use[] = [];
  const add = (kind: Use['kind'], name: string, isCertain: boolean): void => {
    found.push({ kind, name, isCertain, file });
  };
  if (/\.(ts|mjs)$/.test(file)) inScript(ts.createSourceFile(file, text, ts.ScriptTarget.Latest, true), add);
  else if (/\.sh$|\/Makefile$|\.ci\/run$/.test(file)) inShell(text, add);
  else if (/\.[ch]$/.test(file)) inC(text, add);
  return found;
}

type Add = (kind: Use['kind'], name: string, isCertain: boolean) => void;

function inScript(node: ts.Node, add: Add): void {
  const text = textOf(node);
  if (text !== undefined) {
    if (libraryName.test(text)) add('library', text, false);
    const linked = /^-l:?([\w+.-]+)$/.exec(text)?.[1];
    if (linked !== undefined) add('library', text.startsWith('-l:') ? linked : `lib${linked}.so`, false);
    if (systemPath.test(text)) add('file', text, false);
    if (/\.tar\.bz2\b/.test(text)) add('program', 'bzip2', true); // tar starts it
    if (/^#include </m.test(text)) inC(text, add);
    if (isShell(node, text)) inShell(text, add);
    else if (programName.test(text) && isWord(node)) add('program', text, isProgram(node));
  }
  ts.forEachChild(node, (child) => {
    inScript(child, add);
  });
}

/** What a literal says; of a template, the text between what is filled in. */
function textOf(node: ts.Node): string | undefined {
  if (ts.isStringLiteralLike(node)) return node.text;
  if (!ts.isTemplateExpression(node)) return undefined;
  return [node.head.text, ...node.templateSpans.map((span) => span.literal.text)].join('_');
}

/** What a literal is a word of; one that is a choice of two (`a ? b : c`, `a ?? b`) stands where the whole does. */
function placeOf(node: ts.Node): ts.Node {
  const { parent } = node;
  const isChoice =
    (ts.isConditionalExpression(parent) && parent.condition !== node) ||
    (ts.isBinaryExpression(parent) && parent.operatorToken.kind === ts.SyntaxKind.QuestionQuestionToken);
  return isChoice ? placeOf(parent) : node;
}

/** A word of a command line: an element of an array; an argument, if there is an option among the others, or the call takes programs. */
function isWord(literal: ts.Node): boolean {
  const { parent } = placeOf(literal);
  if (ts.isArrayLiteralExpression(parent)) return true;
  if (!ts.isCallExpression(parent)) return false;
  const name = ts.isIdentifier(parent.expression) ? parent.expression.text : '';
  const isOption = (node: ts.Node) => textOf(node)?.startsWith('-') === true;
  return takers.has(name) || parent.arguments.some(isOption);
}

function isProgram(literal: ts.Node): boolean {
  const node = placeOf(literal);
  const { parent } = node;
  if (ts.isArrayLiteralExpression(parent)) return parent.elements[0] === node && isProgram(parent);
  if (!ts.isCallExpression(parent) || !ts.isIdentifier(parent.expression)) return false;
  const name = parent.expression.text;
  return needers.has(name) || (starters.has(name) && parent.arguments[0] === node);
}

/** The script of `sh -c`, or one that is written into a file, or one with words that only a shell understands. */
function isShell(node: ts.Node, text: string): boolean {
  const { parent } = node;
  const siblings: readonly ts.Node[] = ts.isArrayLiteralExpression(parent)
    ? parent.elements
    : ts.isCallExpression(parent)
      ? parent.arguments
      : [];
  const before = siblings[siblings.indexOf(node) - 1];
  return (
    (before !== undefined && textOf(before) === '-c') ||
    text.startsWith('#!') ||
    /\bexec \S|"\$@"|; do |; then |\$\(/.test(text)
  );
}

const keywords =
  /^(if|then|elif|else|fi|while|until|do|done|esac|exec|command|env|!|time|nohup|setsid|exit|eval)$/;

/** The words of a shell script that stand where a command does. */
function inShell(script: string, add: Add): void {
  const lines = script
    .replace(/\\\n/g, ' ')
    .split('\n')
    .filter((line) => !/^\s*#/.test(line))
    .join('\n');
  for (const part of lines.split(/[;&|(){}`\n"']|\$\(/)) {
    const words = part.trim().split(/\s+/);
    while (words[0] !== undefined && (keywords.test(words[0]) || /^\w+=/.test(words[0]))) words.shift();
    const [first] = words;
    if (first !== undefined && programName.test(first)) add('program', first, false);
  }
  for (const [path] of script.matchAll(/(?<![\w.])\/(?:usr|etc)\/[\w./+-]+/g)) add('file', path, false);
}

function inC(text: string, add: Add): void {
  for (const [, name = ''] of text.matchAll(/^\s*#\s*include <([\w/.+-]+\.h)>/gm)) add('header', name, true);
}
