// The built wrapper around plain programs: as if it were not there.
import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { chmodSync, existsSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { ownUid } from '../../src/channel/place/index.js';
import { placeVariables } from '../../src/environment/index.js';
import { installed } from '../support/programs.js';
import { makeChannel } from '../support/channels.js';
import { type JobOptions, type JobResult, runJob } from '../support/job.js';
import { temporaryFolder } from '../support/temporary.js';
import { wrapper } from '../support/wrapper.js';

const root = `hwloc-share-${ownUid()}`;

/** Runs the wrapper with a place of its own for channels. */
function run(words: readonly string[], options: JobOptions = {}): Promise<JobResult> {
  const env = { HWLOC_SHARE_DIR: temporaryFolder(), ...options.env };
  return runJob(wrapper(...words), { ...options, env });
}

describe.concurrent('the exit status is the program’s own', () => {
  test.each([0, 1, 42, 255])('%d', async (status) => {
    const { exitCode, stdout, stderr } = await run(['sh', '-c', `exit ${status}`]);
    expect({ exitCode, stdout, stderr }).toEqual({ exitCode: status, stdout: '', stderr: '' });
  });

  test.each(['SIGTERM', 'SIGINT', 'SIGKILL', 'SIGUSR1', 'SIGPIPE', 'SIGALRM'])(
    'a program that %s ended: the wrapper ends by it, too',
    async (signal) => {
      const { exitCode, signal: by, stderr } = await run(['sh', '-c', `kill -${signal.slice(3)} $$`]);
      expect({ exitCode, by, stderr }).toEqual({ exitCode: undefined, by: signal, stderr: '' });
    },
  );

  test('where the signal would leave a core file of the wrapper, it is the status that a shell gives', async () => {
    const { exitCode } = await run(['sh', '-c', 'kill -SEGV $$']);
    expect(exitCode).toBe(139);
  });

  test('127 where there is no such program', async () => {
    const { exitCode, stderr } = await run(['no-such-launcher', '-n', '2']);
    expect({ exitCode, stderr }).toEqual({
      exitCode: 127,
      stderr: 'hwloc-share: no-such-launcher: command not found\n',
    });
  });

  test.each([
    ['doctr', 'hwloc-share doctor'],
    ['Local', 'hwloc-share local'],
    ['help', 'hwloc-share --help'],
    ['a-laucher', undefined],
  ])('127, and what may have been meant, where it is nearly a command of ours: %s', async (word, meant) => {
    const { exitCode, stderr } = await run([word, '-n', '2']);
    const hint = meant === undefined ? '' : `; did you mean ${meant}?`;
    expect({ exitCode, stderr }).toEqual({
      exitCode: 127,
      stderr: `hwloc-share: ${word}: command not found${hint}\n`,
    });
  });

  test('127, and what may have been meant, where it is nearly a launcher that is installed', async () => {
    const folder = temporaryFolder();
    const env = { PATH: folder };
    const word = 'jsrunn';
    const line = `hwloc-share: ${word}: command not found`;
    expect((await run([word], { env })).stderr).toBe(`${line}\n`);
    writeFileSync(join(folder, 'jsrun'), '#!/bin/sh\n', { mode: 0o755 });
    expect((await run([word], { env })).stderr).toBe(`${line}; did you mean hwloc-share jsrun?\n`);
  });

  test('126 where it cannot be run', async () => {
    const file = join(temporaryFolder(), 'file');
    writeFileSync(file, '#!/bin/sh\n', { mode: 0o644 });
    for (const path of [file, '/tmp']) {
      const { exitCode, stderr } = await run([path]);
      expect({ exitCode, stderr }).toEqual({
        exitCode: 126,
        stderr: `hwloc-share: ${path}: permission denied\n`,
      });
    }
  });

  test('2 for misuse of the wrapper itself, told in one line', async () => {
    const { exitCode, stdout, stderr } = await run(['--bogus', 'true']);
    expect({ exitCode, stdout, stderr }).toEqual({
      exitCode: 2,
      stdout: '',
      stderr: 'hwloc-share: unknown option --bogus; options of a launcher follow its name (see --help)\n',
    });
  });

  test('0 for help and version, on stdout', async () => {
    for (const [option, shows] of [
      ['--help', /^Usage: hwloc-share [^]*\n {7}hwloc-share/],
      ['--version', /^hwloc-share \d/],
    ] as const) {
      const { exitCode, stdout, stderr } = await run([option]);
      expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
      expect(stdout).toMatch(shows);
    }
  });
});

describe.concurrent('what the program reads, writes and is given', () => {
  test('arguments come through as they are', async () => {
    const args = [
      'a b',
      '',
      '"q"',
      "'",
      '$HOME',
      '*',
      '\\',
      'é\u{1f600}',
      'line\nbreak',
      '--verbose',
      '--',
      '-n',
    ];
    const { stdout } = await run([
      process.execPath,
      '-p',
      'JSON.stringify(process.argv.slice(1))',
      '--',
      ...args,
    ]);
    expect(JSON.parse(stdout)).toEqual(args);
  });

  test('stdin and stdout are the program’s, byte by byte, and stderr is left alone', () => {
    const folder = temporaryFolder();
    const bytes = randomBytes(3_000_000);
    writeFileSync(join(folder, 'bytes'), bytes);
    const [node = '', ...rest] = wrapper('sh', '-c', 'cat; echo done >&2');
    // Pipes that fill up, and a file.
    const script =
      '"$@" <bytes | { sleep 0.2; cat >copy; }; cmp bytes copy && "$@" <bytes >copy2 && cmp bytes copy2';
    const done = spawnSync('sh', ['-c', script, 'sh', node, ...rest], {
      cwd: folder,
      env: { ...process.env, HWLOC_SHARE_DIR: folder },
      timeout: 20_000,
    });
    expect(done.status).toBe(0);
    expect(done.stderr.toString()).toBe('done\ndone\n');
  });

  test.each([[[]], [['--timeout', '3']]])('pipes are left as they were, blocking: %j', async (options) => {
    // A shell that shares its pipes with the wrapper, and looks at them before it comes, while it runs and after.
    const look =
      'flags() { grep -h flags /proc/$$/fdinfo/[01]; }; flags; "$@" & until [ -e "$RUNS" ]; do sleep 0.02; done; flags; wait; flags';
    const words = wrapper(...options, 'sh', '-c', 'touch "$RUNS"; sleep 0.3');
    const folder = temporaryFolder();
    const { stdout } = await runJob(['sh', '-c', 'true | sh -c "$0" sh "$@" | cat', look, ...words], {
      env: { HWLOC_SHARE_DIR: folder, RUNS: join(folder, 'runs') },
    });
    const flags = stdout.trim().split('\n');
    expect(flags).toHaveLength(6);
    expect(flags.slice(2, 4)).toEqual(flags.slice(0, 2));
    expect(flags.slice(4)).toEqual(flags.slice(0, 2));
  });

  // Not for a moment: somebody else may be writing to them.
  installed('strace').describe('pipes are never made non-blocking', () => {
    test.each([[[]], [['--timeout', '3']], [['--verbose', '--report', '/dev/null']]])(
      '%j',
      async (options) => {
        const trace = join(temporaryFolder(), 'trace');
        const strace = ['strace', '-f', '-qq', '-o', trace, '-e', 'trace=ioctl,fcntl,execve'];
        const { exitCode } = await runJob([...strace, ...wrapper(...options, 'true')], {
          env: { HWLOC_SHARE_DIR: temporaryFolder() },
        });
        expect(exitCode).toBe(0);
        const calls = readFileSync(trace, 'utf8').split('\n');
        expect(calls.some((call) => /execve\(.*"true"\]/.test(call))).toBe(true);
        expect(calls.filter((call) => /(FIONBIO|F_SETFL)/.test(call) && /\([012],/.test(call))).toEqual([]);
      },
    );
  });

  test('open files are passed on under their numbers, and none of ours', () => {
    const list = [
      'bash',
      '-c',
      'cat <&3; cat <&11; for fd in /proc/$$/fd/*; do echo "${fd##*/} $(readlink $fd)"; done',
    ];
    const open = (words: readonly string[]) => {
      const folder = temporaryFolder();
      writeFileSync(join(folder, 'three'), 'third\n');
      const script = 'exec 3<three 11<three 12<three; "$@"';
      const { stdout } = spawnSync('bash', ['-c', script, 'bash', ...words], {
        cwd: folder,
        env: { ...process.env, HWLOC_SHARE_DIR: folder },
        stdio: ['ignore', 'pipe', 'ignore'],
        encoding: 'utf8',
        timeout: 20_000,
      });
      return stdout.replaceAll(folder, 'FOLDER').replace(/(pipe|socket):\[\d+\]/g, '$1');
    };
    const bare = open(list);
    expect(bare).toContain('third\nthird\n');
    expect(bare).toContain('12 FOLDER/three');
    expect(open(wrapper(...list))).toBe(bare);
  });

  test('a file that the shell made out of a process can be read: <(…)', () => {
    const [node = '', ...rest] = wrapper('cat');
    const { stdout } = spawnSync('bash', ['-c', '"$@" <(echo substituted)', 'bash', node, ...rest], {
      env: { ...process.env, HWLOC_SHARE_DIR: temporaryFolder() },
      encoding: 'utf8',
      timeout: 20_000,
    });
    expect(stdout).toBe('substituted\n');
  });

  test('process group, session and working directory are the wrapper’s own', async () => {
    const cwd = temporaryFolder();
    const ids = 'p=$PPID; for f in $$ $p; do set -- $(cat /proc/$f/stat); echo $5 $6; done; pwd';
    const { stdout } = await run(['sh', '-c', ids], { cwd });
    const [own, parent, where] = stdout.split('\n');
    expect(own).toBe(parent);
    expect(where).toBe(cwd);
  });
});

describe.concurrent('the environment', () => {
  async function environmentWith(words: readonly string[], env: Record<string, string> = {}) {
    const { stdout } = await run([...words, 'env', '-0'], { env });
    return Object.fromEntries(
      stdout
        .split('\0')
        .filter((entry) => entry !== '')
        .map((entry) => [entry.slice(0, entry.indexOf('=')), entry.slice(entry.indexOf('=') + 1)] as const),
    );
  }

  test('is our own, with the name of the job', async () => {
    const env = await environmentWith([], { TEST_ODD: 'a b\n=c' });
    expect(env.TEST_ODD).toBe('a b\n=c');
    expect(env.HWLOC_SHARE_JOB).toMatch(/^[A-Za-z0-9_-]+-\d+-\d+$/);
    const ours = Object.keys(env).filter((name) => /^HWLOC_SHARE_(?!TEST)/.test(name));
    expect(ours.sort()).toEqual(['HWLOC_SHARE_DIR', 'HWLOC_SHARE_JOB']);
  });

  test('tells the ranks our options, which go before what was set', async () => {
    const folder = temporaryFolder();
    const words = `--dir=${folder} --timeout=7 --io=all --hole=biggest --libhwloc=/l.so --strict --verbose`;
    expect(
      await environmentWith(words.split(' '), { HWLOC_SHARE_IO: 'none', HWLOC_SHARE_TIMEOUT: '99' }),
    ).toMatchObject({
      HWLOC_SHARE_DIR: folder,
      HWLOC_SHARE_TIMEOUT: '7',
      HWLOC_SHARE_IO: 'all',
      HWLOC_SHARE_HOLE: 'biggest',
      HWLOC_SHARE_LIBHWLOC: '/l.so',
      HWLOC_SHARE_STRICT: '1',
      HWLOC_SHARE_VERBOSE: '1',
    });
  });

  test('names the directory in full, wherever the ranks will work', async () => {
    const cwd = temporaryFolder();
    mkdirSync(join(cwd, 'meet'));
    const { stdout } = await run(['--dir', 'meet', 'sh', '-c', 'echo $HWLOC_SHARE_DIR'], { cwd });
    expect(stdout).toBe(`${join(cwd, 'meet')}\n`);
    const other = await run(['sh', '-c', 'echo $HWLOC_SHARE_DIR'], {
      cwd,
      env: { HWLOC_SHARE_DIR: './meet' },
    });
    expect(other.stdout).toBe(`${join(cwd, 'meet')}\n`);
  });

  test('does not give a launcher the place of the rank that it is started by', async () => {
    const place = Object.fromEntries(Object.values(placeVariables).map((name) => [name, '1']));
    const env = await environmentWith([], place);
    for (const name of Object.values(placeVariables)) expect(env).not.toHaveProperty(name);
  });
});

describe.concurrent('what is left', () => {
  test('channels of the job are removed at its end, those of others stay', async () => {
    const dir = temporaryFolder();
    const other = makeChannel(dir, 'other', 'living');
    const make = `umask 077; cd "$HWLOC_SHARE_DIR/${root}"; mkdir -p "$HWLOC_SHARE_JOB.step@node/deep"; : >"$HWLOC_SHARE_JOB.step@node/roll"`;
    await run(['sh', '-c', `${make}; exit 3`], { env: { HWLOC_SHARE_DIR: dir } });
    expect(readdirSync(join(dir, root))).toEqual([basename(other)]);
  });

  test('a channel of a dead job is swept before the next one', async () => {
    const dir = temporaryFolder();
    makeChannel(dir, 'dead', 'dead');
    const { stderr } = await run(['true'], { env: { HWLOC_SHARE_DIR: dir } });
    expect(stderr).toBe('');
    expect(existsSync(join(dir, root))).toBe(false);
  });

  test('clean does the same by itself, and says what it removed', async () => {
    const dir = temporaryFolder();
    makeChannel(dir, 'dead', 'dead');
    const { exitCode, stdout, stderr } = await run(['--dir', dir, 'clean']);
    expect({ exitCode, stdout }).toEqual({ exitCode: 0, stdout: '' });
    expect(stderr).toContain(`hwloc-share: removed ${join(dir, root, 'dead')}, left by a job that is dead\n`);
    expect(existsSync(join(dir, root))).toBe(false);
  });

  test('a place that cannot be used is no reason for the job to fail', async () => {
    const file = join(temporaryFolder(), 'file');
    writeFileSync(file, '');
    const foreign = temporaryFolder();
    mkdirSync(join(foreign, root));
    writeFileSync(join(foreign, root, 'precious'), '');
    chmodSync(join(foreign, root), 0o777);
    for (const dir of ['/no/such/place', file, foreign]) {
      const { exitCode, stdout } = await run(['echo', 'ran'], { env: { HWLOC_SHARE_DIR: dir } });
      expect({ exitCode, stdout }).toEqual({ exitCode: 0, stdout: 'ran\n' });
    }
    expect(readdirSync(join(foreign, root))).toEqual(['precious']);
  });
});

test.concurrent('the wrapper does not load koffi', async () => {
  const { stdout } = await run(['sh', '-c', 'grep -c koffi /proc/$PPID/maps; grep -c node /proc/$PPID/maps']);
  const [koffi, node] = stdout.split('\n').map(Number);
  expect(koffi).toBe(0);
  expect(node).toBeGreaterThan(0);
  // So that it would be seen: a process that does load it.
  const seen = "import('koffi').then(() => console.log(/koffi/.test(fs.readFileSync('/proc/self/maps'))))";
  expect((await runJob([process.execPath, '-e', seen])).stdout).toBe('true\n');
});

test.concurrent('--verbose says on stderr which launcher it is, and nothing on stdout', async () => {
  const { stdout, stderr } = await run(['--verbose', 'echo', 'ran']);
  expect({ stdout, stderr }).toEqual({
    stdout: 'ran\n',
    stderr:
      'hwloc-share: echo is not known to us; trying it\nhwloc-share: no rank of this job has told of a join\n',
  });
});
