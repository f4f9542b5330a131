// Makes the man page hwloc-share(1), from the same data as the help.

import type { CommandTable, Manual } from '../commands/command.js';
import { manuals } from './manual.js';
import { type OptionTable, namesOf } from '../command-line/options.js';
import { asTyped, bold, escaped, heading, italic, paragraphs, subheading, tagged } from './roff.js';
import { type Entry, diagnosticEntries, environmentEntries, fileEntries, seeAlso } from './sections.js';

/**
 * The page, in roff.
 *
 * @param version  The version of the package.
 * @param date     The date of the build: `2026-01-31`.
 */
export async function manPage(commands: CommandTable, version: string, date: string): Promise<string> {
  const [wrapper, ...others] = await manuals(commands);
  if (wrapper === undefined) throw new Error('there is no manual of the wrapper');
  const parts = [
    `.TH HWLOC\\-SHARE 1 ${date} "hwloc\\-share ${version}" "User Commands"`,
    // No hyphenation and no justified text: long command lines must stay as they are.
    '.nh\n.ad l',
    heading('NAME'),
    `hwloc\\-share \\- ${escaped(wrapper.summary)}`,
    heading('SYNOPSIS'),
    asTyped(wrapper.synopsis.map(synopsis)),
    heading('DESCRIPTION'),
    paragraphs(wrapper.description),
    heading('OPTIONS'),
    'They stand before the launcher or the command. What follows a launcher is its own.',
    optionsOf(wrapper.options),
    heading('COMMANDS'),
    'Each command has its own \\fB\\-\\-help\\fR.',
    ...others.map(commandOf),
    heading('ENVIRONMENT'),
    entries(environmentEntries),
    heading('FILES'),
    entries(fileEntries, italic),
    heading('EXIT STATUS'),
    statusesOf(wrapper),
    heading('DIAGNOSTICS'),
    'Lines on standard error begin with hwloc\\-share:. Lines of a rank also have its node and its number. None of them means that ' +
      'the job fails, unless you use \\fB\\-\\-strict\\fR.',
    entries(diagnosticEntries),
    heading('EXAMPLES'),
    examplesOf(wrapper),
    heading('SEE ALSO'),
    seeAlso.map(([name, section]) => `${bold(name)}(${section})`).join(',\n'),
  ];
  return `${parts.join('\n')}\n`;
}

/** Sets placeholders in italics: words in angle brackets and in capitals. */
function synopsis(form: string): string {
  const words = form
    .split(/(<[a-z]+>|\b[A-Z]+\b)/)
    .map((word, i) => (i % 2 === 1 ? italic(word.replace(/[<>]/g, '')) : escaped(word)));
  return `${bold('hwloc-share')} [options] ${words.join('')}`;
}

function commandOf({ name, synopsis: forms, description, options, statuses, examples }: Manual): string {
  return [
    subheading(name),
    asTyped(forms.map(synopsis)),
    '.PP',
    paragraphs(description),
    optionsOf(options),
    '.PP\nExit status:',
    statusesOf({ statuses }),
    '.PP\nExamples:',
    examplesOf({ examples }),
  ].join('\n');
}

function optionsOf(options: OptionTable): string {
  return Object.entries(options)
    .map(([name, option]) => {
      const { value, describe } = option;
      const names = namesOf(name, option).map(bold).join(', ');
      return tagged(names + (value === undefined ? '' : ` ${italic(value)}`), describe);
    })
    .join('\n');
}

function statusesOf({ statuses }: Pick<Manual, 'statuses'>): string {
  return statuses.map(({ status, meaning }) => tagged(bold(String(status)), meaning)).join('\n');
}

function examplesOf({ examples }: Pick<Manual, 'examples'>): string {
  return examples.map(({ command, meaning }) => tagged(bold(command), meaning)).join('\n');
}

function entries(list: readonly Entry[], style = bold): string {
  return list.map(({ term, text }) => tagged(style(term), text)).join('\n');
}
