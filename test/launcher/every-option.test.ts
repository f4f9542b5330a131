// Every option that the help names is used by some test of its command.
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { commands } from '../../src/launcher/commands/index.js';
import { manuals } from '../../src/launcher/man/manual.js';
import { dashes } from '../../src/launcher/command-line/options.js';

const tests = join(import.meta.dirname, '..');
// Those that look into the tables themselves, or only at how words are read, would prove nothing.
const readers = /^launcher\/(every-option|man|command-line|commands\/completion)\.test\.ts$/;
const sources = readdirSync(tests, { recursive: true, encoding: 'utf8' })
  .filter((name) => name.endsWith('.test.ts') && !readers.test(name))
  .map((name) => ({ name, text: readFileSync(join(tests, name), 'utf8') }));

/** Whether a test is about a command: the wrapper's options may stand in any. */
function isAbout(command: string, { name, text }: { name: string; text: string }): boolean {
  return command === 'hwloc-share' || name.includes(`/${command}`) || text.includes(`'${command}'`);
}

// What these print is looked at where the command line is.
const options = (await manuals(commands)).flatMap(({ name, options }) =>
  Object.keys(options)
    .filter((option) => !['help', 'version'].includes(option))
    .map((option) => [name, dashes(option)] as const),
);

test('there are options to look for', () => {
  expect(options.length).toBeGreaterThan(25);
});

test.each(options)('%s %s is used by a test', (command, option) => {
  const used = new RegExp(`(?<![\\w-])${option}(?![\\w-])`);
  const users = sources.filter((each) => isAbout(command, each) && used.test(each.text));
  expect(users.map(({ name }) => name)).not.toEqual([]);
});
