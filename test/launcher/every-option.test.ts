// Every option that the help names is used by some test of its command.
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { commands } from '../../src/launcher/commands/index.js';
import { manuals } from '../../src/launcher/manual.js';
import { dashes } from '../../src/launcher/options.js';

const tests = join(import.meta.dirname, '..');
// Those that look into the tables themselves would prove nothing.
const readers = /^launcher\/(every-option|man|commands\/completion)\.test\.ts$/;
const sources = readdirSync(tests, { recursive: true, encoding: 'utf8' })
  .filter((name) => name.endsWith('.test.ts') && !readers.test(name))
  .map((name) => ({ name, text: readFileSync(join(tests, name), 'utf8') }));

/** Whether a test is about a command: the wrapper's options may stand in any. */
function isAbout(command: string, { name, text }: { name: string; text: string }): boolean {
  return command === 'hwloc-share' || name.includes(`/${command}`) || text.includes(`'${command}'`);
}

describe.each((await manuals(commands)).map((manual) => [manual.name, manual] as const))(
  '%s',
  (command, { options }) => {
    test.each(Object.keys(options))('%s is used by a test', (option) => {
      const used = new RegExp(`(?<![\\w-])${dashes(option)}(?![\\w-])`);
      const users = sources.filter((each) => isAbout(command, each) && used.test(each.text));
      expect(users.map(({ name }) => name)).not.toEqual([]);
    });
  },
);
