// The man page is of the same words as the help, and neither groff nor mandoc has anything to say against it.
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { commands } from '../../src/launcher/commands/index.js';
import { environmentEntries } from '../../src/launcher/man/sections.js';
import { manuals } from '../../src/launcher/man/manual.js';
import { type Option, dashes } from '../../src/launcher/command-line/options.js';
import { escaped } from '../../src/launcher/man/roff.js';
import { installed } from '../support/programs.js';
import { runJob } from '../support/job.js';
import { distFile } from '../support/wrapper.js';

const file = distFile('man/man1/hwloc-share.1');

/** The page as a reader has it, in lines that are not wrapped. */
async function rendered(): Promise<string> {
  const { stdout, stderr } = await runJob(['groff', '-man', '-Tascii', '-rLL=2000n', '-P-cbou', file]);
  expect(stderr).toBe('');
  return stdout;
}

installed('groff').test('groff has no warning for it', async () => {
  const { stdout, stderr, exitCode } = await runJob(['groff', '-man', '-ww', '-z', file]);
  expect({ stdout, stderr, exitCode }).toEqual({ stdout: '', stderr: '', exitCode: 0 });
});

installed('mandoc').test('mandoc has no warning for it', async () => {
  const { stdout, stderr, exitCode } = await runJob(['mandoc', '-T', 'lint', '-W', 'warning', file]);
  expect({ stdout, stderr, exitCode }).toEqual({ stdout: '', stderr: '', exitCode: 0 });
});

test('it has the sections that a man page has, in their order', () => {
  const headings = [...readFileSync(file, 'utf8').matchAll(/^\.SH "(.*)"$/gm)].map(([, title]) => title);
  expect(headings).toEqual([
    'NAME',
    'SYNOPSIS',
    'DESCRIPTION',
    'OPTIONS',
    'COMMANDS',
    'ENVIRONMENT',
    'FILES',
    'EXIT STATUS',
    'DIAGNOSTICS',
    'EXAMPLES',
    'SEE ALSO',
  ]);
});

installed('groff').test('every command, option, exit status and example is in it', async () => {
  const page = await rendered();
  for (const { name, options, statuses, examples } of await manuals(commands)) {
    expect(page).toContain(name);
    for (const [option, { value, describe }] of Object.entries<Option>(options)) {
      expect(page).toContain(`${dashes(option)}${value === undefined ? '' : ` ${value}`}`);
      expect(page).toContain(describe);
    }
    for (const { meaning } of statuses) expect(page).toContain(meaning);
    for (const { command, meaning } of examples) {
      expect(page).toContain(command);
      expect(page).toContain(meaning);
    }
  }
});

test('it names each variable that users may set', () => {
  const settings = readFileSync(new URL('../../src/environment/settings.ts', import.meta.url), 'utf8');
  const read = new Set([...settings.matchAll(/given\('(\w+)'\)/g)].map(([, name]) => name));
  // What the wrapper tells the ranks.
  for (const own of ['JOB', 'LAUNCHER', 'SPOOL', 'XMLFILE']) {
    expect(read.delete(`HWLOC_SHARE_${own}`)).toBe(true);
  }
  expect(environmentEntries.map(({ term }) => term)).toEqual(expect.arrayContaining([...read]));
});

installed('groff').describe('text is text, whatever is in it', () => {
  test.each([
    ['.TH is no request here', '.TH is no request here'],
    ["'so neither", "'so neither"],
    ['a\\fBb \\n(.s', 'a\\fBb \\n(.s'],
    ['-- `x` ^ ~ "q" \'y\'', '-- `x` ^ ~ "q" \'y\''],
  ])('%s', async (text, read) => {
    const { stdout, stderr } = await runJob(['groff', '-man', '-ww', '-Tascii', '-P-cbou'], {
      stdin: `.TH X 1 2026-01-01\n.SH NAME\n${escaped(text)}\n`,
    });
    expect(stderr).toBe('');
    expect(stdout).toContain(read);
  });
});
