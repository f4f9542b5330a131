// hwloc-share completion: what shells make of it, in a terminal and with the key that users press.
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { beforeAll, expect, test } from 'vitest';
import { installed } from '../../support/programs.js';
import { runJob } from '../../support/job.js';
import { temporaryFolder } from '../../support/temporary.js';
import { distFile, wrapper } from '../../support/wrapper.js';
import { type Terminal, openTerminal } from '../terminal.js';

type Shell = Omit<Terminal, 'status'>;

/** What the screen shows, as soon as it matches. */
async function seen(shell: Shell, pattern: RegExp, withinMs = 10_000): Promise<void> {
  const limit = performance.now() + withinMs;
  while (!pattern.test(shell.screen())) {
    if (performance.now() > limit) throw new Error(`no ${String(pattern)} on the screen:\n${shell.screen()}`);
    await sleep(20);
  }
}

/** A folder with something to complete, and hwloc-share in a PATH of its own. */
function place(): { folder: string; env: Record<string, string> } {
  const folder = temporaryFolder();
  const bin = join(folder, 'bin');
  for (const name of ['bin', 'folder']) mkdirSync(join(folder, name));
  for (const name of ['data.txt', 'other.xml']) writeFileSync(join(folder, name), '');
  symlinkSync(distFile('bundle/launcher/bin.cjs'), join(bin, 'hwloc-share'));
  for (const name of ['srun', 'another-program']) symlinkSync('/bin/true', join(bin, name));
  return { folder, env: { PATH: `${bin}:${process.env.PATH ?? ''}`, PS1: '> ', PROMPT: '> ' } };
}

const shells = [
  {
    name: 'bash',
    needs: '/usr/share/bash-completion/bash_completion',
    command: ['bash', '--norc', '--noprofile', '-i'],
    setup: [
      "bind 'set enable-bracketed-paste off'",
      '. /usr/share/bash-completion/bash_completion',
      // Its own completion reads `chmod --help`, and not as coreutils 9.10 writes it.
      'complete -W --reference chmod',
      'source <(hwloc-share completion bash)',
    ],
  },
  {
    name: 'zsh',
    needs: 'zsh',
    command: ['zsh', '-f', '-i'],
    setup: ['autoload -U compinit; compinit -u -D', 'source <(hwloc-share completion zsh)'],
  },
];

for (const { name, needs, command, setup } of shells)
  installed('tmux', needs).describe(`in ${name}`, () => {
    let shell: Shell;

    /** On a cleared screen, a command line that is not finished, and Tab. */
    const press = (typed: string) => {
      shell.type('C-u', 'C-l');
      shell.typeText(`hwloc-share ${typed}`);
      shell.type('Tab');
    };

    beforeAll(async () => {
      const { folder, env } = place();
      shell = openTerminal(command, env);
      for (const line of [`cd ${folder}`, "PS1='> '", ...setup]) shell.enter(line);
      shell.enter('echo set""up');
      await seen(shell, /^setup$/m);
    });

    test.each([
      ['our options', '--tim', 'eout'],
      ['our options behind others', '--strict --dir x --verb', 'ose'],
      ['the values of an option', '--io al', 'l'],
      ['the values of an option behind =', '--io=no', 'ne'],
      ['values that are usual', '--hole sca', 'tter'],
      ['a folder', '--dir fol', 'der/'],
      ['a file', '--report dat', 'a.txt'],
      ['a file behind =', '--report=dat', 'a.txt'],
      ['our commands', '--verbose doct', 'or'],
      ['the launcher', '--strict setpri', 'v'],
      ['the launcher behind --', '--strict -- setpri', 'v'],
      ['a file for the launcher', '--io all cat dat', 'a.txt'],
      ["the launcher's own options", '--io all chmod --refer', 'ence'],
      ["the launcher's own options behind --", '-- chmod --refer', 'ence'],
      ["the built-in launcher's options", '--strict local --kill', '-on-bad-exit'],
      ['its program', 'local -n 2 setpri', 'v'],
      ["the program's own options", 'local -n 2 chmod --refer', 'ence'],
      ['the options of a command', '--dir x show --cpu', 'set'],
      ['their values', 'show --format js', 'on'],
      ['those of its short names', 'show --of js', 'on'],
      ['its options behind its other words', 'show other.xml --cpu', 'set'],
      ['its files', 'maps dat', 'a.txt'],
      ['the words it takes', 'completion z', 'sh'],
    ])('completes %s: %s', async (_, typed, added) => {
      press(typed);
      await seen(
        shell,
        new RegExp(`^> hwloc-share ${`${typed}${added}`.replace(/[^\w ]/g, '\\$&')}([ =/]|$)`, 'm'),
      );
    });

    test('shows our commands and the launchers that are installed, and no other program, before a letter is typed', async () => {
      shell.type('C-u', 'C-l');
      shell.typeText('hwloc-share ');
      shell.type('Tab', 'Tab');
      for (const word of ['doctor', 'completion', 'srun']) await seen(shell, new RegExp(`\\b${word}\\b`));
      expect(shell.screen()).not.toContain('another-program');
    });

    test("does not mix our options into the launcher's", async () => {
      press('cat --stri');
      shell.typeText('Z');
      await seen(shell, /cat --stri\w*Z/);
      expect(shell.screen()).toContain('cat --striZ');
    });

    test('the shell finds no fault with the script', async () => {
      const { stdout, exitCode } = await runJob(wrapper('completion', name));
      expect(exitCode).toBe(0);
      expect(await runJob([name, '-n'], { stdin: stdout })).toMatchObject({ exitCode: 0, stderr: '' });
    });
  });

test.each([[[]], [['fish']], [['bash', 'zsh']]])('it says in one line what it takes: %j', async (words) => {
  const { exitCode, stdout, stderr } = await runJob(wrapper('completion', ...words));
  expect({ exitCode, stdout, stderr }).toEqual({
    exitCode: 2,
    stdout: '',
    stderr: 'hwloc-share: completion takes the name of a shell: bash or zsh (see --help)\n',
  });
});
