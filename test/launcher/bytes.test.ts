// Words and variables that are not UTF-8: every byte gets through to launchers, ranks and files, as without the wrapper.
import { existsSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { launcher } from '../launchers/available.js';
import { type Slurm, startSlurm } from '../launchers/slurm.js';
import { exactly } from '../support/exactly.js';
import { type JobOptions, type JobResult, runJob } from '../support/job.js';
import { launcherCommands, launcherNames } from '../support/jobs.js';
import { installed } from '../support/programs.js';
import { expectAllAdopted, reporter, reportsIn } from '../support/shared-job.js';
import { temporaryFolder } from '../support/temporary.js';
import { wrapper } from '../support/wrapper.js';

/** All bytes that a word can hold, and a text in UTF-8 (here as its bytes). */
const all = Array.from({ length: 255 }, (_, i) => String.fromCharCode(i + 1)).join('');
const text = Buffer.from('naïve 😀 日本').toString('latin1');
const name = 'caf\xe9.txt';

/** Runs a command line of bytes; what it writes is bytes, too. */
function run(
  words: readonly string[],
  variables: Readonly<Record<string, string>> = {},
  options: JobOptions = {},
): Promise<JobResult> {
  const env = { HWLOC_SHARE_DIR: temporaryFolder(), ...options.env };
  return runJob(exactly(words, variables), { ...options, env, encoding: 'latin1' });
}

/** A folder with a file of that name, whose content is `content`. */
function folderWith(content: string): string {
  const folder = temporaryFolder();
  writeFileSync(Buffer.from(`${folder}/${name}`, 'latin1'), content);
  return folder;
}

describe.concurrent('the built-in launcher, and any command', () => {
  const show = ['sh', '-c', 'printf "%s|%s|%s" "$1" "$2" "$FOO"', 'sh'];

  test.each([[wrapper()], [wrapper('--verbose')], [wrapper('local', '-n', '1')]])(
    'every byte of a word and of a variable gets through: %j',
    async (front) => {
      const { exitCode, stdout } = await run([...front, ...show, all, text], { FOO: `${all}${text}` });
      expect(exitCode).toBe(0);
      expect(stdout).toBe(`${all}|${text}|${all}${text}`);
    },
  );

  test('a variable alone is enough, and the name of one', async () => {
    const { stdout } = await run([...wrapper('local', '-n', '2'), 'sh', '-c', 'printf %s "$FOO"'], {
      FOO: 'x\xff',
    });
    expect(stdout).toBe('x\xffx\xff');
    const env = ['env', 'N\xe9E=\xff', 'N\xeaE=\xfe', ...wrapper('env')];
    expect((await run(env)).stdout.split('\n')).toEqual(
      expect.arrayContaining(['N\xe9E=\xff', 'N\xeaE=\xfe']),
    );
  });

  test('the options before them are understood', async () => {
    const { exitCode, stderr } = await run([...wrapper('--timeout', '\xe9', 'true')]);
    expect(exitCode).toBe(2);
    expect(stderr).toBe(
      'hwloc-share: --timeout takes a number of seconds above 0, and up to 86400, not \xe9 (see --help)\n',
    );
  });

  test.each([
    [['sh', '-c', 'exit 7'], { exitCode: 7 }],
    [['sh', '-c', 'kill -TERM $$'], { exitCode: undefined, signal: 'SIGTERM' }],
    [['sh', '-c', 'kill -KILL $$'], { exitCode: undefined, signal: 'SIGKILL' }],
    [[`no such\xe9`], { exitCode: 127, stderr: 'hwloc-share: no such\xe9: command not found\n' }],
    [['/tmp'], { exitCode: 126, stderr: 'hwloc-share: /tmp: permission denied\n' }],
  ])('it ends as it does without us: %j', async (words, ending) => {
    expect(await run([...wrapper(), ...words, '\xe9'])).toMatchObject({ stderr: '', ...ending });
  });

  test('the highest status of the ranks counts, and --kill-on-bad-exit ends them', async () => {
    const script = 'if [ $HWLOC_SHARE_RANK = 1 ]; then exit 5; else exec sleep 20; fi';
    const words = wrapper('local', '-n', '2', '--kill-on-bad-exit', 'sh', '-c', script, '\xe9');
    expect((await run(words)).exitCode).toBe(128 + 15);
  });

  test('standard input, open files, and what is ignored are as they are without us', async () => {
    const folder = folderWith('from a file');
    // Not the first digits: the C library's own signals, 32 and 33, are ignored in what its posix_spawn() starts.
    const script = `cat; cat <&5; sed -nE 's/^(Sig(Blk|Ign)).*(.{7})$/\\1 \\3/p' /proc/self/status`;
    const opened = ['sh', '-c', 'exec 5<"$1"; shift; exec "$@"', 'sh', `${folder}/${name}`];
    const job = ['sh', '-c', script, '\xe9'];
    const options = { stdin: 'from input, ' };
    const bare = await run([...opened, ...job], {}, options);
    const wrapped = await run([...opened, ...wrapper(), ...job], {}, options);
    expect(wrapped).toMatchObject({ exitCode: 0, stdout: bare.stdout, stderr: '' });
    expect(bare.stdout).toBe('from input, from a fileSigBlk 0000000\nSigIgn 0000000\n');
  });

  test('only the first rank reads standard input', async () => {
    const words = [...wrapper('local', '-n', '3'), 'cat', '-', '/dev/null', `/proc/self/cwd/${name}`];
    const { stdout } = await run(words, {}, { stdin: 'once,', cwd: folderWith('each,') });
    expect(stdout.split(',').sort()).toEqual(['', 'each', 'each', 'each', 'once']);
  });

  test('a script without a first line is run by sh, as by a shell', async () => {
    const folder = temporaryFolder();
    writeFileSync(`${folder}/script`, 'printf "%s" "$1"\n', { mode: 0o755 });
    expect((await run([...wrapper(), `${folder}/script`, '\xe9'])).stdout).toBe('\xe9');
    expect(
      (await run([...wrapper(), 'script', '\xe9'], { PATH: `${folder}:${process.env.PATH ?? ''}` })).stdout,
    ).toBe('\xe9');
  });

  test('a program in a folder of such a name is found', async () => {
    const folder = Buffer.from(`${temporaryFolder()}/b\xefn`, 'latin1');
    mkdirSync(folder);
    writeFileSync(Buffer.concat([folder, Buffer.from('/mpirun')]), '#!/bin/sh\necho "$0"\n', { mode: 0o755 });
    const path = `${folder.toString('latin1')}:${process.env.PATH ?? ''}`;
    expect((await run([...wrapper(), 'mpirun', '-n', '1', 'x'], { PATH: path })).stdout).toBe(
      `${folder.toString('latin1')}/mpirun\n`,
    );
  });

  test('ranks share as ever', async () => {
    const { stdout } = await run([...wrapper('local', '-n', '3'), ...reporter, '\xe9'], { FOO: '\xe9' });
    expectAllAdopted(reportsIn(stdout), 3);
  });
});

let slurm: Slurm | undefined;
beforeAll(async () => {
  if (launcher('slurm').missing === undefined) slurm = await startSlurm();
});
afterAll(async () => slurm?.stop());

for (const each of launcherNames) {
  launcher(each).describe(each, () => {
    const env = () => (each === 'slurm' ? { ...slurm?.env } : {});
    // stdout of Open MPI's ranks may be a terminal; a file's content is not changed by it.
    const job = launcherCommands[each](2, ['cat', name]);
    const tell = ['sh', '-c', 'printf "%s %s\\n" "$1" "$FOO"', 'sh', 'w\xff\xfe'];

    test('a file of such a name, a word and a variable reach the ranks, as without the wrapper', async () => {
      const options = { env: env(), cwd: folderWith('content\n') };
      expect(await run([...wrapper(), ...job], {}, options)).toMatchObject({
        exitCode: 0,
        stdout: 'content\ncontent\n',
      });
      const words = launcherCommands[each](2, tell);
      const bare = await run(words, { FOO: 'f\xe9' }, options);
      const wrapped = await run([...wrapper(), ...words], { FOO: 'f\xe9' }, options);
      expect(wrapped.stdout).toBe(bare.stdout);
      expect(bare.stdout.replaceAll('\r', '')).toBe('w\xff\xfe f\xe9\nw\xff\xfe f\xe9\n');
    });

    test('so they do with a program in front of each, as --xmlfile puts it there', async () => {
      const program = [
        'sh',
        '-c',
        'grep -c "<topology" "$HWLOC_XMLFILE"; printf "%s %s\\n" "$1" "$FOO"',
        'sh',
        'w\xff',
      ];
      const words = [...wrapper('--xmlfile'), ...launcherCommands[each](1, program)];
      const { exitCode, stdout } = await run(words, { FOO: 'f\xe9' }, { env: env() });
      expect({ exitCode, stdout: stdout.replaceAll('\r', '') }).toEqual({
        exitCode: 0,
        stdout: '1\nw\xff f\xe9\n',
      });
    });
  });
}

describe.concurrent('names of files in options', () => {
  /** The content of a file whose name is bytes. */
  const contentOf = (file: string) => readFileSync(Buffer.from(file, 'latin1'), 'utf8');

  test('--report and --trace write into files, and into folders, of such names', async () => {
    const folder = temporaryFolder();
    mkdirSync(Buffer.from(`${folder}/d\xefr`, 'latin1'));
    const files = [`${folder}/r\xe9port.json`, `${folder}/d\xefr/tr\xe2ce.json`] as const;
    const options = [`--report=${files[0]}`, `--trace=${files[1]}`];
    for (const again of [1, 2]) {
      const { exitCode, stdout } = await run([...wrapper(...options, 'local', '-n', '2'), ...reporter]);
      expect(exitCode, String(again)).toBe(0);
      expectAllAdopted(reportsIn(stdout), 2);
      expect(contentOf(files[0])).toMatch(/"how": "adopted"/);
      expect(contentOf(files[1])).toMatch(/"traceEvents"/);
      expect(readdirSync(folder, 'latin1').sort()).toEqual(['d\xefr', 'r\xe9port.json']);
    }
    const { exitCode, stderr } = await run([...wrapper(`--report=${folder}/n\xf6/r`, 'true')]);
    expect(exitCode).toBe(2);
    expect(stderr).toContain(`--report ${folder}/n\xf6/r: there is no folder ${folder}/n\xf6 `);
  });

  test('a name counts from a working directory of such a name', async () => {
    const folder = `${temporaryFolder()}/d\xefr`;
    mkdirSync(Buffer.from(folder, 'latin1'));
    const script = 'cd "$1"; shift; exec "$@"';
    const inside = ['sh', '-c', script, 'sh', folder];
    const { exitCode } = await run([
      ...inside,
      ...wrapper('--report', 'r.json', 'local', '-n', '2'),
      ...reporter,
    ]);
    expect(exitCode).toBe(0);
    expect(contentOf(`${folder}/r.json`)).toMatch(/"how": "adopted"/);
  });

  test.each([
    ['--dir', (folder: string) => [['--dir', folder], {}] as const],
    ['HWLOC_SHARE_DIR', (folder: string) => [[], { HWLOC_SHARE_DIR: folder }] as const],
  ])(
    '%s of such a name is passed over, with a line, so that ranks in all languages meet',
    async (option, given) => {
      const folder = `${temporaryFolder()}/d\xefr`;
      mkdirSync(Buffer.from(folder, 'latin1'));
      const [words, variables] = given(folder);
      const { exitCode, stdout, stderr } = await run(
        [...wrapper(...words, 'local', '-n', '2'), ...reporter],
        variables,
        { env: { HWLOC_SHARE_DIR: undefined } },
      );
      expect(exitCode).toBe(0);
      expectAllAdopted(reportsIn(stdout), 2);
      expect(stderr).toBe(
        `hwloc-share: ${option} ${folder}: the name is not UTF-8, and Node cannot open it; ranks meet in another directory\n`,
      );
    },
  );

  test('--libhwloc of such a name is refused', async () => {
    const { exitCode, stderr } = await run(wrapper('--libhwloc', '/l\xefb', 'true'));
    expect({ exitCode, stderr }).toEqual({
      exitCode: 2,
      stderr: 'hwloc-share: --libhwloc takes a name in UTF-8: Node cannot load /l\xefb (see --help)\n',
    });
  });

  test('show reads XML, folders and archives of such names, and maps reads and draws', async () => {
    const folder = temporaryFolder();
    const xml = (await runJob(wrapper('show', 'pack:2 core:2 pu:1', '--format', 'xml'))).stdout;
    writeFileSync(Buffer.from(`${folder}/m\xe4chine.xml`, 'latin1'), xml);
    const shown = await run(wrapper('show', `${folder}/m\xe4chine.xml`));
    expect(shown).toMatchObject({ exitCode: 0, stderr: '' });
    expect(shown.stdout.match(/Package/g)).toHaveLength(2);

    const maps = readFileSync('/proc/self/maps');
    writeFileSync(Buffer.from(`${folder}/m\xe4ps`, 'latin1'), maps);
    const svg = `${folder}/p\xefcture.svg`;
    expect(await run(wrapper('maps', `${folder}/m\xe4ps`, '--svg', svg))).toMatchObject({
      exitCode: 0,
      stderr: '',
    });
    expect(contentOf(svg)).toMatch(/^<svg|<\?xml/);
    expect((await run(wrapper('maps', `${folder}/m\xe4ps`, '--svg', svg))).stderr).toBe(
      `hwloc-share: ${svg} exists already; --force overwrites it\n`,
    );
  });

  installed('lstopo').test('show --picture draws into a file of such a name', async () => {
    const picture = `${temporaryFolder()}/p\xefcture.svg`;
    expect(await run(wrapper('show', 'pu:2', '--picture', picture))).toMatchObject({
      exitCode: 0,
      stderr: '',
    });
    expect(contentOf(picture)).toContain('<svg');
    expect((await run(wrapper('show', 'pu:2', '--picture', picture))).exitCode).toBe(1);
    expect((await run(wrapper('show', 'pu:2', '--picture', picture, '--force'))).exitCode).toBe(0);
  });

  installed('hwloc-gather-topology', 'tar').test(
    'show reads what hwloc-gather-topology has saved',
    async () => {
      const folder = temporaryFolder();
      const { exitCode } = await runJob(['hwloc-gather-topology', `${folder}/saved`]);
      expect(exitCode).toBe(0);
      expect(existsSync(`${folder}/saved.tar.bz2`)).toBe(true);
      const archive = `${folder}/s\xe4ved.tar.bz2`;
      writeFileSync(Buffer.from(archive, 'latin1'), readFileSync(`${folder}/saved.tar.bz2`));
      expect((await run(wrapper('show', archive))).stdout).toMatch(/^Machine/);
      const tree = `${folder}/tr\xe9e`;
      mkdirSync(Buffer.from(tree, 'latin1'));
      await run(['tar', '-xf', archive, '-C', tree]);
      expect((await run(wrapper('show', tree))).stdout).toMatch(/^Machine/);
    },
  );
});
