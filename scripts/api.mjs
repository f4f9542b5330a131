// Writes docs/api.md from the docstrings of what users import: node scripts/api.mjs, after a change of one. `--check` only compares.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import ts from 'typescript';
import { projectRoot } from './node-packages.mjs';

const target = join(projectRoot, 'docs', 'api.md');

const doors = [
  ['hwloc-share/rank', 'src/rank/index.ts', 'What a rank imports.'],
  ['hwloc-share/auto', 'src/rank/auto.ts', 'Joins when it is imported.'],
  ['hwloc-share/hwloc', 'src/hwloc/index.ts', 'Topologies without sharing, and the types of all topologies.'],
];

/** The page, as the docstrings are now. */
export function apiPage() {
  const files = doors.map(([, file]) => join(projectRoot, file));
  const program = ts.createProgram(files, {
    target: ts.ScriptTarget.ESNext,
    module: ts.ModuleKind.NodeNext,
    strict: true,
    skipLibCheck: true,
    types: ['node'],
  });
  const checker = program.getTypeChecker();
  const parts = doors.map(([name, , about], index) =>
    [
      `## ${name}`,
      about,
      ...checker
        .getExportsOfModule(checker.getSymbolAtLocation(program.getSourceFile(files[index])))
        .map((symbol) => section(checker, symbol, name.split('/')[1])),
    ].join('\n\n'),
  );
  const intro =
    'Made by `scripts/api.mjs` from the docstrings in `src`: change those. Names and terms are those of hwloc; each function says on which of' +
    ' hwloc’s it stands.';
  return `# API\n\n${intro}\n\n${parts.join('\n\n')}\n`.replace(/\n{3,}/g, '\n\n').replace(/\n+$/, '\n');
}

/** @param home  The room of the door: what rank takes from hwloc is described there. */
function section(checker, exported, home) {
  const symbol = exported.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(exported) : exported;
  const declaration = symbol.declarations[0];
  if (home !== 'hwloc' && /\/src\/hwloc\//.test(declaration.getSourceFile().fileName)) {
    return `### ${exported.name}\n\nThat of hwloc-share/hwloc, below.`;
  }
  const title = exported.name === 'default' ? `default: ${symbol.name}` : exported.name;
  const pieces = [`### ${title}`, code(headOf(declaration)), docOf(checker, symbol)];
  if (ts.isClassDeclaration(declaration) || ts.isInterfaceDeclaration(declaration)) {
    const members = membersOf(checker, declaration).map((member) => memberText(checker, member));
    if (members.length > 0) pieces.push(members.join('\n'));
  }
  return pieces.filter((piece) => piece !== '').join('\n\n');
}

/** What others may use of it: its own, then what it has from the classes and interfaces of ours that it is built on. */
function membersOf(checker, declaration) {
  const own = [...declaration.members, ...fieldsOfConstructor(declaration)].filter(isForOthers);
  const bases = (declaration.heritageClauses ?? [])
    .filter(({ token }) => token === ts.SyntaxKind.ExtendsKeyword)
    .flatMap(({ types }) => types)
    .flatMap(({ expression }) => checker.getTypeAtLocation(expression).symbol?.declarations ?? [])
    .filter((base) => base.getSourceFile().fileName.startsWith(join(projectRoot, 'src')));
  const known = new Set(own.map((member) => member.name?.getText()));
  const inherited = bases
    .flatMap((base) => (base.members === undefined ? [] : membersOf(checker, base)))
    .filter((member) => !known.has(member.name?.getText()));
  return [...own, ...inherited];
}

function isForOthers(member) {
  const hidden = ts.ModifierFlags.Private | ts.ModifierFlags.Protected;
  if ((ts.getCombinedModifierFlags(member) & hidden) !== 0 || /@internal/.test(docTextOf(member)))
    return false;
  if (ts.isConstructorDeclaration(member) || ts.isClassStaticBlockDeclaration(member)) return false;
  // `[inspect.custom]` and the like are for Node to call, but for disposal, which `using` shows.
  const { name } = member;
  if (name === undefined) return true;
  return !ts.isPrivateIdentifier(name) && !name.getText().startsWith('[inspect');
}

/** `constructor(readonly reason: string)` declares a field. */
function fieldsOfConstructor(declaration) {
  return declaration.members
    .filter((member) => ts.isConstructorDeclaration(member))
    .flatMap(({ parameters }) =>
      parameters.filter((one) => ts.isParameterPropertyDeclaration(one, one.parent)),
    );
}

function memberText(checker, member) {
  const symbol = member.name === undefined ? undefined : checker.getSymbolAtLocation(member.name);
  const said = symbol === undefined ? '' : docOf(checker, symbol);
  const indented = said.replace(/\n(?=.)/g, '\n  ');
  return `- \`${oneLine(headOf(member))}\`${said === '' ? '' : `\n\n  ${indented}\n`}`;
}

/** A declaration without its body, its docstring and what it is initialised with. */
function headOf(declaration) {
  const source = declaration.getSourceFile();
  const text = source.text;
  const start = declaration.getStart(source);
  if (ts.isVariableDeclaration(declaration)) {
    return `const ${declaration.name.getText(source)}${typeText(declaration, source)}`;
  }
  if (ts.isPropertyDeclaration(declaration) && declaration.initializer !== undefined) {
    const { initializer } = declaration;
    const isPlain = ts.isStringLiteral(initializer);
    return text.slice(start, isPlain ? initializer.end : initializer.getFullStart()).replace(/\s*=\s*$/, '');
  }
  if (ts.isClassDeclaration(declaration) || ts.isInterfaceDeclaration(declaration)) {
    return text.slice(start, text.indexOf('{', declaration.name.end)).trim();
  }
  const end = declaration.body?.getStart(source) ?? declaration.end;
  return text.slice(start, end).trim();
}

function typeText(declaration, source) {
  return declaration.type === undefined ? '' : `: ${declaration.type.getText(source)}`;
}

function code(text) {
  const plain = withoutComments(text)
    .replace(/^export (default )?/, '')
    .replace(/;$/, '');
  return `\`\`\`ts\n${plain}\n\`\`\``;
}

function oneLine(text) {
  return withoutComments(text)
    .replace(/\s+/g, ' ')
    .replace(/^override /, '')
    .replace(/;$/, '');
}

/** A long type keeps its own comments out of the way: they are for those who read the source. */
function withoutComments(text) {
  return text.replace(/^[ \t]*\/\/.*\n/gm, '');
}

function docTextOf(node) {
  return ts
    .getJSDocCommentsAndTags(node)
    .map((doc) => doc.getText())
    .join('\n');
}

/** A docstring in Markdown: what it says, then its tags as a list. */
function docOf(checker, symbol) {
  const said = linked(ts.displayPartsToString(symbol.getDocumentationComment(checker)));
  const tags = symbol.getJsDocTags(checker).map(({ name, text }) => {
    // The compiler takes the name before `()` as one of ours, and puts a space there.
    const words = linked(ts.displayPartsToString(text)).replace(/\s+/g, ' ').replaceAll(' ()', '()').trim();
    if (name === 'param') {
      const [, parameter = '', rest = ''] = /^(\S+)\s*-?\s*(.*)$/.exec(words) ?? [];
      return `- \`${parameter}\`: ${rest}`;
    }
    if (name === 'throws') {
      return words.replace(/^(\w+)\s*(.*)$/, (_, error, when) => `- Throws \`${error}\`: ${when}`);
    }
    const label = { returns: 'Returns', see: 'See', default: 'Default:' }[name] ?? name;
    return `- ${label} ${words}`;
  });
  return [said, tags.join('\n')].filter((part) => part !== '').join('\n\n');
}

function linked(text) {
  return text.replace(/\{@link\s+([^}|\s]+)[^}]*\}/g, '`$1`').trim();
}

if (process.argv[1] === import.meta.filename) {
  const page = apiPage();
  if (!process.argv.includes('--check')) writeFileSync(target, page);
  else if (readFileSync(target, 'utf8') !== page) {
    process.stderr.write('docs/api.md is not what the docstrings say: node scripts/api.mjs\n');
    process.exitCode = 1;
  }
}
