// The command line: our options end at the launcher's name, and what follows is not looked at.
import { describe, expect, test } from 'vitest';
import type { Option, Options } from '../../src/launcher/command-line/options.js';
import { parseCommandLine } from '../../src/launcher/command-line/command-line.js';
import { commands } from '../../src/launcher/commands/index.js';
import { UsageError } from '../../src/launcher/errors.js';
import { manuals } from '../../src/launcher/man/manual.js';

const none: Options = {
  dir: undefined,
  timeout: undefined,
  io: undefined,
  hole: undefined,
  libhwloc: undefined,
  xmlfile: undefined,
  strict: undefined,
  verbose: undefined,
  report: undefined,
  trace: undefined,
};

/** Of the built-in launcher. */
const noLocalOptions = { killOnBadExit: false, label: false, bindTo: undefined };

/** What a command line has printed. */
async function printed(...words: string[]): Promise<string> {
  const request = await parseCommandLine(words);
  if (request.kind !== 'print') throw new Error(request.kind);
  return request.text;
}

describe('our options', () => {
  test.each<[string[], Partial<Options>]>([
    [[], {}],
    [['--dir', '/tmp/x'], { dir: '/tmp/x' }],
    [['--dir=/tmp/x'], { dir: '/tmp/x' }],
    [['--dir=a=b'], { dir: 'a=b' }],
    [['--timeout', '5'], { timeout: 5 }],
    [['--timeout=0.5'], { timeout: 0.5 }],
    [['--io', 'none'], { io: 'none' }],
    [['--io', 'important'], { io: 'important' }],
    [['--io=all'], { io: 'all' }],
    [['--hole', 'biggest'], { hole: 'biggest' }],
    [['--hole', '0x420000000000'], { hole: '0x420000000000' }],
    [['--libhwloc', '/opt/lib/libhwloc.so.15'], { libhwloc: '/opt/lib/libhwloc.so.15' }],
    [['--libhwloc', '15'], { libhwloc: '15' }],
    [['--xmlfile'], { xmlfile: true }],
    [['--strict'], { strict: true }],
    [['--verbose'], { verbose: true }],
    [['--report', 'r.json'], { report: 'r.json' }],
    [['--trace=t.json'], { trace: 't.json' }],
    [['--dir', 'a', '--dir', 'b'], { dir: 'b' }],
    [
      ['--dir', '/x', '--timeout', '9', '--strict', '--verbose'],
      { dir: '/x', timeout: 9, strict: true, verbose: true },
    ],
    [['--'], {}],
  ])('%j', async (words, options) => {
    expect(await parseCommandLine([...words, 'mpirun', '-n', '4', 'a.out'])).toEqual({
      kind: 'launch',
      command: 'mpirun',
      args: ['-n', '4', 'a.out'],
      options: { ...none, ...options },
    });
  });
});

describe("the launcher's own words", () => {
  test.each([
    [['--verbose', '--dir', 'x', '--help', '--version']],
    [['-n', '4', '--', 'prog', '--', '-x']],
    [['--', '--strict']],
    [['a b', '', '"quoted"', '$HOME', '*', 'é', '007', '1e3', 'true', 'false', '-']],
    [['--dir.x=1', '--no-strict', '--timeout=abc', 'local', 'clean']],
  ])('come through as they are: %j', async (args) => {
    expect(await parseCommandLine(['srun', ...args])).toMatchObject({ command: 'srun', args, options: none });
    expect(await parseCommandLine(['--verbose', 'srun', ...args])).toMatchObject({ command: 'srun', args });
  });

  test('a launcher called true is no value of the option before it', async () => {
    expect(await parseCommandLine(['--verbose', 'true', 'x'])).toMatchObject({
      command: 'true',
      args: ['x'],
    });
    expect(await parseCommandLine(['--strict', 'false'])).toMatchObject({ command: 'false', args: [] });
  });

  test('after -- even a name with a dash is a launcher', async () => {
    expect(await parseCommandLine(['--verbose', '--', '--odd', 'x'])).toMatchObject({
      command: '--odd',
      args: ['x'],
    });
  });
});

describe('the built-in launcher', () => {
  test('takes the number of ranks, then a program whose words are not looked at', async () => {
    expect(
      await parseCommandLine(['--strict', 'local', '-n', '3', 'node', 'job.mjs', '-n', '7', '--help']),
    ).toEqual({
      kind: 'local',
      job: { ranks: 3, ...noLocalOptions, program: 'node', args: ['job.mjs', '-n', '7', '--help'] },
      options: { ...none, strict: true },
    });
  });

  test('takes --kill-on-bad-exit, before and after -n', async () => {
    for (const words of [
      ['-n', '2', '--kill-on-bad-exit', 'true'],
      ['--kill-on-bad-exit', '-n=2', 'true'],
    ]) {
      const job = { ranks: 2, ...noLocalOptions, killOnBadExit: true, program: 'true', args: [] };
      expect(await parseCommandLine(['local', ...words])).toMatchObject({ job });
    }
  });

  test.each([
    [['--label'], { label: true }],
    [['-l'], { label: true }],
    [['--tag-output'], { label: true }],
    [['--bind-to', 'core'], { bindTo: 'core' }],
    [['--bind-to=none'], {}],
    [['--bind-to', 'core', '--bind-to', 'none'], {}],
  ])('takes options of mpirun and srun under their names: %j', async (words, given) => {
    const job = { ranks: 2, ...noLocalOptions, ...given, program: 'true', args: [] };
    expect(await parseCommandLine(['local', '-n', '2', ...words, 'true'])).toMatchObject({ job });
  });

  test('refuses to bind to anything else than a core', async () => {
    await expect(parseCommandLine(['local', '-n', '2', '--bind-to', 'socket', 'true'])).rejects.toThrow(
      '--bind-to takes one of core, none, not socket',
    );
  });

  test.each([
    [['-n', '3']],
    [['-n=3']],
    [['-n3']],
    [['--n', '3']],
    [['-np', '3']],
    [['--np', '3']],
    [['--np=3']],
    [['--ntasks=3']],
    [['--kill-on-bad-exit', '-n3']],
    [['-n', '2', '-n3']],
  ])('takes the number of ranks as mpirun and srun do: %j', async (words) => {
    // What follows the program is its own, whatever it looks like.
    const args = ['-n2', '-np', '--np=4'];
    expect(await parseCommandLine(['local', ...words, 'prog', ...args])).toMatchObject({
      job: { ranks: 3, program: 'prog', args },
    });
  });

  test('takes -- before the program', async () => {
    expect(await parseCommandLine(['local', '-n', '2', '--', '-odd'])).toMatchObject({
      job: { program: '-odd' },
    });
  });
});

describe('a command of ours', () => {
  test.each([
    [['--dir', '/x', 'clean'], { dir: '/x' }],
    [['clean', '--dir', '/x'], { dir: '/x' }],
    [['--dir', '/y', '--strict', 'clean', '--dir=/x'], { dir: '/x', strict: true }],
    [['clean'], {}],
  ])('takes our options before its name, and those that concern it behind: %j', async (words, options) => {
    expect(await parseCommandLine(words)).toMatchObject({
      kind: 'command',
      name: 'clean',
      operands: [],
      options: { ...none, ...options },
    });
  });

  test('takes options and other words in any order, until --', async () => {
    expect(
      await parseCommandLine(['clean', 'a', '--dir', '/x', 'b', '--', '--c', '-5', '007']),
    ).toMatchObject({
      operands: ['a', 'b', '--c', '-5', '007'],
      options: { dir: '/x' },
    });
  });
});

describe('help and version', () => {
  test('the help is laid out as it was written, and within 100 columns', async () => {
    const help = await printed('--help');
    const lines = help.split('\n');
    expect(lines[0]).toBe('Usage: hwloc-share [options] <launcher> [its arguments...]');
    expect(lines[1]).toMatch(/^ {7}hwloc-share \[options\] local -n N /);
    expect(lines[2]).toMatch(/^ {7}hwloc-share \[options\] <command> /);
    for (const name of ['local', ...Object.keys(commands)]) {
      expect(help).toMatch(new RegExp(`^  ${name} +[a-z]`, 'm'));
    }
    for (const option of [
      'dir DIR',
      'timeout SECONDS',
      'io FILTER',
      'hole KIND',
      'libhwloc FILE',
      'xmlfile',
      'strict',
      'report FILE',
      'trace FILE',
      'verbose',
    ]) {
      expect(help).toMatch(new RegExp(`^  --${option} +[a-zI]`, 'm'));
    }
    expect(help).toMatch(/^ {2}--help +show this help$/m);
    for (const line of lines) expect(line.length).toBeLessThanOrEqual(100);
  });

  test('help is there before the launcher, with it or without', async () => {
    expect(await parseCommandLine(['--help', 'mpirun'])).toMatchObject({ kind: 'print' });
  });

  test('the built-in launcher has its own help', async () => {
    expect(await printed('local', '--help')).toMatch(/--kill-on-bad-exit +end all/);
  });

  test.each(Object.keys(commands))('%s has its own help, with all its options', async (name) => {
    const help = await printed(name, '--help');
    const command = await commands[name]?.();
    expect(help).toMatch(new RegExp(`^Usage: hwloc-share \\[options\\] ${name}`));
    for (const option of Object.keys(command?.options ?? {})) expect(help).toContain(`--${option}`);
    for (const line of help.split('\n')) expect(line.length).toBeLessThanOrEqual(100);
  });

  test('what the man page and the completion are made of names everything', async () => {
    const all = await manuals(commands);
    expect(all.map(({ name }) => name)).toEqual(['hwloc-share', 'local', ...Object.keys(commands)]);
    for (const { name, summary, synopsis, description, options, statuses, examples } of all) {
      expect(summary).toMatch(/^[a-z].*[^.]$/);
      for (const form of synopsis)
        if (name !== 'hwloc-share') expect(form).toMatch(new RegExp(`^${name}\\b`));
      for (const { describe } of Object.values<Option>(options)) expect(describe).toMatch(/[^.]$/);
      for (const { command } of examples) expect(command).toMatch(/hwloc-share/);
      for (const some of [synopsis, description, Object.keys(options), statuses, examples]) {
        expect(some.length).toBeGreaterThan(0);
      }
    }
  });

  test('the version is that of the package', async () => {
    expect(await printed('--version')).toMatch(/^hwloc-share \d+\.\d+\.\d+$/);
  });
});

describe('misuse is told in one line', () => {
  test.each([
    [[], 'no launcher was given'],
    [['--verbose'], 'no launcher was given'],
    [['--'], 'no launcher was given'],
    [[''], 'no launcher was given'],
    [['--bogus', 'mpirun'], 'unknown option --bogus;'],
    [['--bogus=3', 'mpirun'], 'unknown option --bogus;'],
    [['--verbos', 'mpirun'], 'unknown option --verbos; did you mean --verbose?'],
    [['-verbos', 'mpirun'], 'unknown option -verbos; did you mean --verbose?'],
    [['--strict', '--timeuot=5', 'mpirun'], 'unknown option --timeuot; did you mean --timeout?'],
    [['-x', 'mpirun'], 'unknown option -x;'],
    [['-5', 'mpirun'], 'unknown option -5;'],
    [['-n', '4', 'a.out'], 'unknown option -n; options of a launcher follow its name'],
    [['--no-verbose', 'mpirun'], 'unknown option --no-verbose;'],
    [['--dir.x=1', 'mpirun'], 'unknown option --dir.x;'],
    [['--kill-on-bad-exit', 'local', '-n', '1', 'x'], 'unknown option --kill-on-bad-exit;'],
    [['--timeout', 'local', '-n', '2'], 'unknown option -n; --timeout took local as its value'],
    [['--dir', 'mpirun', '-np', '2', 'x'], 'unknown option -np; --dir took mpirun as its value'],
    [['--verbose=yes', 'mpirun'], '--verbose takes no value'],
    [['--dir'], '--dir needs a value'],
    [['-dir'], '-dir needs a value'],
    [['--dir', '--verbose', 'mpirun'], '--dir needs a value'],
    [['--timeout'], '--timeout needs a value'],
    [
      ['--timeout', 'soon', 'mpirun'],
      '--timeout takes a number of seconds above 0, and up to 86400, not soon',
    ],
    [['--timeout', '0', 'mpirun'], 'not 0'],
    [['--timeout', '-1', 'mpirun'], 'not -1'],
    [['--timeout=', 'mpirun'], '--timeout takes'],
    [['--timeout=86401', 'mpirun'], 'not 86401'],
    [['--timeout=Infinity', 'mpirun'], 'not Infinity'],
    [['--io', 'some', 'mpirun'], '--io takes one of important, none, all, not some'],
    [
      ['--hole', 'foo', 'mpirun'],
      '--hole takes one of scatter, begin, biggest, libs, heap, stack, or 0xADDRESS, not foo',
    ],
    [['--hole', '0x420000000001', 'mpirun'], '--hole takes an address that is a multiple of the page size'],
    [['maps', '--hole=Libs', '1'], '--hole takes one of'],
    [['local'], 'local needs the number of ranks: -n N'],
    [['local', 'prog'], 'local needs the number of ranks: -n N'],
    [['local', '-n', '2'], 'local -n 2 needs a program'],
    [['local', '--np=2'], 'local --np 2 needs a program'],
    [['local', '-n', '0', 'x'], 'from 1 to 4096, not 0'],
    [['local', '-n', '4097', 'x'], 'not 4097'],
    [['local', '-n', '1e2', 'x'], 'not 1e2'],
    [['local', '-n', '-2', 'x'], 'not -2'],
    [['local', '-n', 'x', 'y'], 'not x'],
    [['local', '-np', '0', 'x'], '-np takes the number of ranks, from 1 to 4096, not 0'],
    [['local', '-n0', 'x'], '-n takes the number of ranks, from 1 to 4096, not 0'],
    [['local', '--npp', '2', 'x'], 'unknown option --npp; did you mean --np?'],
    // For mpirun the number of ranks, for srun the cores of each.
    [
      ['local', '-c', '2', 'x'],
      'unknown option -c; local takes -n, --label, --bind-to, --kill-on-bad-exit, --help',
    ],
    [['local', '--verbose', '-n', '2', 'x'], 'unknown option --verbose; it belongs in front of local'],
    [['clean', '--verbose'], 'unknown option --verbose; it belongs in front of clean'],
    [['clean', '-5'], 'unknown option -5; clean takes --dir, --help'],
    [['clean', 'x', '-5'], 'unknown option -5;'],
    [['clean', '--dir'], '--dir needs a value'],
    [['show', '--formt', 'json'], 'unknown option --formt; did you mean --format?'],
    [['show', '-if', 'yaml', 'x'], '-if takes one of xml, fsroot, tar, synthetic, not yaml'],
  ])('%j', async (words, message) => {
    const error = await parseCommandLine(words).then(
      () => undefined,
      (error: unknown) => error as Error,
    );
    expect(error).toBeInstanceOf(UsageError);
    expect(error?.message).toContain(message);
    expect(error?.message).not.toContain('\n');
    expect(error?.message).toMatch(/\(see --help\)$/);
  });
});

test.each(['local', 'clean', 'doctor', 'show', 'maps', 'completion'])(
  '%s --help shows its own help',
  async (name) => {
    const text = await printed(name, '--help');
    expect(text).toMatch(new RegExp(`^Usage: hwloc-share \\[options\\] ${name}\\b`));
    expect(text).toContain('--help');
  },
);
