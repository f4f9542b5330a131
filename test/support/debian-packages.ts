// What is installed from Debian packages on this machine: who owns a file, and what a package brings with it.
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, realpathSync, statSync } from 'node:fs';
import { findCommand } from './commands.js';

interface Installed {
  readonly name: string;
  readonly isEssential: boolean;
  /** Of each dependency, the packages that satisfy it. */
  readonly depends: readonly (readonly string[])[];
  readonly provides: readonly string[];
}

/** The packages that are there when these and the essential ones are installed, without those that are only recommended. */
export function closureOf(names: readonly string[]): Set<string> {
  const all = installedPackages();
  const providers = (name: string): string[] =>
    all.has(name)
      ? [name]
      : [...all.values()].filter(({ provides }) => provides.includes(name)).map((one) => one.name);
  const reached = new Set<string>();
  const waiting = [
    ...names,
    ...[...all.values()].filter(({ isEssential }) => isEssential).map(({ name }) => name),
  ];
  for (let name = waiting.pop(); name !== undefined; name = waiting.pop()) {
    const found = all.get(name);
    if (found === undefined || reached.has(name)) continue;
    reached.add(name);
    // Of alternatives apt takes the first, if none is there.
    for (const choice of found.depends)
      waiting.push(...(choice.map(providers).find((each) => each.length > 0) ?? []));
  }
  return reached;
}

let installedOnes: Map<string, Installed> | undefined;

function installedPackages(): Map<string, Installed> {
  if (installedOnes !== undefined) return installedOnes;
  const format = ['Package', 'Essential', 'Pre-Depends', 'Depends', 'Provides', 'db:Status-Abbrev'];
  const query = ['-W', `-f=${format.map((field) => `\${${field}}`).join('\\t')}\\n`];
  const text = printed('dpkg-query', query);
  const choices = (list: string): string[][] =>
    list
      .split(',')
      .filter((each) => each.trim() !== '')
      .map((each) => each.split('|').map((one) => one.trim().replace(/[ :(].*$/, '')));
  const packages = text
    .split('\n')
    .map((line) => line.split('\t'))
    .filter((fields) => fields[5]?.startsWith('ii') === true)
    .map(([name = '', essential, preDepends = '', depends = '', provides = '']) => ({
      name,
      isEssential: essential === 'yes',
      depends: choices(`${preDepends},${depends}`),
      provides: choices(provides).flat(),
    }));
  return (installedOnes = new Map(packages.map((each) => [each.name, each])));
}

/** One line on which of these packages are not installed; `undefined` where all are. */
export function whyPackagesMissing(names: readonly string[]): string | undefined {
  if (findCommand('dpkg-query') === undefined) return 'there is no dpkg-query, which knows the packages';
  const absent = names.filter((name) => !installedPackages().has(name));
  return absent.length === 0
    ? undefined
    : `the packages ${absent.join(', ')} are not installed; npm test installs them where it may`;
}

/** The packages to which files belong; for a link of update-alternatives, to which it leads. Left out: files of no package. */
export function ownersOf(files: readonly string[]): Map<string, string> {
  const asked = new Map([...new Set(files)].filter(isFile).map((file) => [file, namesOf(file)]));
  const names = [...new Set([...asked.values()].flat())];
  // Its status is 1 as soon as one of them is of no package.
  const { stdout } = spawnSync('dpkg-query', ['-S', ...names], { encoding: 'utf8', maxBuffer: 1 << 26 });
  const owners = new Map<string, string>();
  for (const line of stdout.split('\n')) {
    const [, owner, file] = /^([^ :,]+)[^ ]*: (\/.*)$/.exec(line) ?? [];
    if (owner !== undefined && file !== undefined) owners.set(file, owner);
  }
  const found = [...asked].map(([file, its]) => [file, its.map((name) => owners.get(name)).find(Boolean)]);
  return new Map(found.filter((pair): pair is [string, string] => pair[1] !== undefined));
}

/** The names under which dpkg may know a file: its own, what it links to; and where it was before /bin became a link to /usr/bin. */
function namesOf(file: string): string[] {
  return [file, realpathSync(file)].flatMap((each) => [each, each.replace(/^\/usr\//, '/'), `/usr${each}`]);
}

function isFile(path: string): boolean {
  return existsSync(path) && statSync(path).isFile();
}

let libraries: Map<string, string> | undefined;

/** Where the dynamic linker finds a library; `undefined` if it does not. */
export function libraryFile(name: string): string | undefined {
  libraries ??= new Map(
    [...printed('ldconfig', ['-p']).matchAll(/^\s*(\S+) .* => (.*)$/gm)].map(([, key = '', file = '']) => [
      key,
      file,
    ]),
  );
  return libraries.get(name);
}

const headers = new Map<string, string | undefined>();

/** Where the C compiler finds a header; `undefined` if it does not, or there is no compiler. */
export function includedFile(name: string): string | undefined {
  if (!headers.has(name)) {
    const compiler = ['-E', '-M', '-x', 'c', '-'];
    const { status, stdout } = spawnSync('cc', compiler, { input: `#include <${name}>\n`, encoding: 'utf8' });
    const files = status === 0 ? stdout.replace(/\\\n/g, ' ').split(/\s+/) : [];
    headers.set(
      name,
      files.find((file) => file.endsWith(`/${name}`)),
    );
  }
  return headers.get(name);
}

function printed(command: string, words: readonly string[]): string {
  return execFileSync(findCommand(command) ?? command, words, { encoding: 'utf8', maxBuffer: 1 << 26 });
}
