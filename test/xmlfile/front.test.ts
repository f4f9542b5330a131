// What stands in front of each rank's program under --xmlfile, in each shell that /bin/sh may be.
import { randomUUID } from 'node:crypto';
import { chmodSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { sweep } from '../../src/channel/index.js';
import { prefix } from '../../src/launcher/job/xmlfile.js';
import { installed } from '../support/programs.js';
import { withoutHwlocErrors } from '../support/hwloc-errors.js';
import { type JobOptions, runJob, startJob } from '../support/job.js';
import { environmentOf, sendSignal } from '../support/processes.js';
import { temporaryFolder } from '../support/temporary.js';
import { distFile } from '../support/wrapper.js';

const uid = String(process.getuid?.() ?? 0);
const shells = [['dash'], ['bash', '--posix'], ['busybox', 'sh']] as const;

/** Starts programs as a launcher's daemon does, from one process, and waits for them. Each gets its number as RANK. */
const daemon = 'i=0; while [ $i -lt $MPI_LOCALNRANKS ]; do RANK=$i "$@" & i=$((i + 1)); done; wait';

for (const shell of shells)
  installed(shell[0]).describe(`under ${shell.join(' ')}`, { concurrent: true }, () => {
    const front = [...shell, ...prefix.slice(1)];

    const environment = (ranks: number, others: JobOptions['env'] = {}) => ({
      HWLOC_SHARE_JOB: `front-${randomUUID()}`,
      HWLOC_SHARE_NODE: process.execPath,
      HWLOC_SHARE_UID: uid,
      HWLOC_SHARE_XMLFILE: distFile('bundle/xmlfile/front.sh'),
      HWLOC_SHARE_DIR: temporaryFolder(),
      MPI_LOCALNRANKS: String(ranks),
      HWLOC_XMLFILE: undefined,
      HWLOC_SYNTHETIC: undefined,
      HWLOC_COMPONENTS: undefined,
      ...others,
    });
    /** Runs a command in such an environment; it leaves nothing. */
    const run = async (command: readonly string[], env = environment(1), options: JobOptions = {}) => {
      const result = await runJob(command, { ...options, env });
      expect(readdirSync(env.HWLOC_SHARE_DIR)).toEqual([]);
      return result;
    };
    const ranksOf = (ranks: number, program: readonly string[], others: JobOptions['env'] = {}) =>
      run(['sh', '-c', daemon, 'sh', ...front, ...program], environment(ranks, others));
    const rankOf = (program: readonly string[], options: JobOptions = {}) =>
      run([...front, ...program], environment(1, options.env), options);

    test('the first rank of a node writes the file, each has it open, and nothing is left', async () => {
      const script =
        'echo "$HWLOC_XMLFILE $$ $HWLOC_THISSYSTEM$HWLOC_THISSYSTEM_ALLOWED_RESOURCES $(cksum <$HWLOC_XMLFILE)"';
      const { stdout, stderr } = await ranksOf(6, ['sh', '-c', script], { HWLOC_SHARE_VERBOSE: '1' });
      const lines = stdout.trimEnd().split('\n');
      expect(lines).toHaveLength(6);
      for (const line of lines) expect(line).toMatch(/^\/proc\/(\d+)\/fd\/[4-9] \1 11 \d+ \d+$/);
      expect(new Set(lines.map((line) => line.replace(/^.* 11 /, ''))).size).toBe(1);
      expect(stderr).toMatch(/^hwloc-share: node \S+: wrote the topology for HWLOC_XMLFILE, \d+ bytes\n$/);
    });

    test('a child that closes what it inherits can read it, too', async () => {
      const { stdout } = await rankOf([
        process.execPath,
        '-e',
        'console.log(require("node:child_process").execFileSync("sh", ["-c", "head -c 5 $HWLOC_XMLFILE"], { encoding: "utf8" }))',
      ]);
      expect(stdout).toBe('<?xml\n');
    });

    test('the program gets its words, its input, its place and its status as they are', async () => {
      const words = ['a b', '', '$HOME', "it's", '"*"', 'two\nlines', '-n'];
      const script = 'printf "%s|" "$0" "$@"; cat; pwd; umask; exit 7';
      const { stdout, exitCode } = await rankOf(['sh', '-c', `umask 027; ${script}`, ...words], {
        stdin: 'input\n',
        cwd: '/usr',
      });
      expect(stdout).toBe(`${words.join('|')}|input\n/usr\n0027\n`);
      expect(exitCode).toBe(7);
    });

    test('the program is the process itself: a signal ends it', async () => {
      const { signal } = await rankOf(['sh', '-c', 'kill -TERM $$']);
      expect(signal).toBe('SIGTERM');
    });

    test('a program that is not there has the status that shells give it', async () => {
      expect((await rankOf(['no-such-program'])).exitCode).toBe(127);
      expect((await rankOf(['/usr'])).exitCode).toBe(126);
    });

    test('the environment is as it was, with what no shell can hold as a variable', async () => {
      const odd = {
        'BASH_FUNC_module%%': '() { echo \'it is\'\n  echo "$@"\n}',
        'with.dot': 'a  b',
        'with-dash': "'",
        dir: 'mine',
        root: '',
        LONG: 'x'.repeat(50_000),
        LINES_OF: 'one\ntwo\n',
      };
      const seen = async (command: readonly string[]) => {
        const { stdout } = await run(command, environment(1, odd));
        const entries = stdout
          .split('\0')
          .filter((entry) => !/^(TEST_|HWLOC_|_=|SHLVL=|PWD=|OLDPWD=|$)/.test(entry));
        return entries
          .map((entry) => entry.replace(/^BASH_FUNC_.*/s, (text) => text.replace(/[\s;]+/g, ' ')))
          .sort();
      };
      const before = await seen(['env', '-0']);
      expect(before).toEqual(expect.arrayContaining(['dir=mine', 'with.dot=a  b']));
      expect(await seen([...front, 'env', '-0'])).toEqual(before);
    });

    test('what is ignored stays ignored, limits stay, and one descriptor is added', async () => {
      const script = 'grep SigIgn /proc/self/status; ulimit -Sn; exec ls /proc/self/fd';
      const seen = async (...before: string[]) => {
        const command = [
          'sh',
          '-c',
          'trap "" HUP USR1; ulimit -Sn 333; exec 3</dev/null "$@"',
          'sh',
          ...before,
        ];
        const { stdout } = await run([...command, 'sh', '-c', script]);
        const [ignored, limit, ...open] = stdout.trimEnd().split('\n');
        return { ignored, limit, open: open.map(Number).sort((a, b) => a - b) };
      };
      const [plain, behind] = [await seen(), await seen(...front)];
      expect(behind).toMatchObject({ ignored: plain.ignored, limit: '333' });
      expect(behind.open).toHaveLength(plain.open.length + 1);
    });

    test('who has no descriptor below 10 left goes without; one of Hydra gives up a connection that is not its own', async () => {
      const taken = 'exec 4</dev/null 5<&4 6<&4 7<&4 8<&4 9<&4; exec "$@"';
      const script = 'echo "[${HWLOC_XMLFILE##*/}]"';
      const command = ['sh', '-c', taken, 'sh', ...front, 'sh', '-c', script];
      expect((await run(command)).stdout).toBe('[]\n');
      expect((await run(command, environment(1, { MPI_LOCALRANKID: '0' }))).stdout).toBe('[]\n');
      // Two sockets, at 8 and 9; the latter is the rank's.
      const sockets = `
      const { connect, createServer } = require('node:net');
      const { spawn } = require('node:child_process');
      const server = createServer().listen(0, '127.0.0.1', () => {
        const one = connect(server.address().port, '127.0.0.1', () => {
          const two = connect(server.address().port, '127.0.0.1', () => {
            const rest = ['ignore', 'ignore', 'ignore', 'ignore', 'ignore'];
            const child = spawn(process.argv[1], process.argv.slice(2), { stdio: ['ignore', 1, 2, ...rest, one, two] });
            child.on('exit', () => process.exit());
          });
        });
      });`;
      const hydra = { MPI_LOCALRANKID: '0', PMI_FD: '9' };
      const job = [
        process.execPath,
        '-e',
        sockets,
        'sh',
        '-c',
        taken.replace(' 8<&4 9<&4', ''),
        'sh',
        ...front,
      ];
      expect((await run([...job, 'sh', '-c', script], environment(1, hydra))).stdout).toBe('[8]\n');
    });

    test.each(['HWLOC_XMLFILE', 'HWLOC_SYNTHETIC', 'HWLOC_FSROOT', 'HWLOC_CPUID_PATH'])(
      'who is told another topology by %s keeps it, and no file is written',
      async (name) => {
        const script = `echo $${name}$HWLOC_THISSYSTEM; ls -A $HWLOC_SHARE_DIR`;
        const { stdout } = await rankOf(['sh', '-c', script], { env: { [name]: '/users/own.xml' } });
        expect(stdout).toBe('/users/own.xml\n');
      },
    );

    test("the wrapper's file is used on its own node, and replaced on another", async () => {
      const folder = temporaryFolder();
      const host = readFileSync('/proc/sys/kernel/hostname', 'utf8').trim();
      const file = join(folder, 'topology.xml');
      writeFileSync(file, '');
      const at = async (name: string) => {
        const link = join(temporaryFolder(), `job.xmlfile@${name}`);
        const script = `mkdir ${link} && cp ${file} ${link}; HWLOC_XMLFILE=${link}/topology.xml exec "$@"`;
        const command = ['sh', '-c', script, 'sh', ...front, 'sh', '-c', 'echo $HWLOC_XMLFILE'];
        return (await run(command)).stdout;
      };
      expect(await at(host)).toMatch(new RegExp(`job.xmlfile@${host}/topology.xml\n$`));
      expect(await at('elsewhere')).toMatch(/^\/proc\/\d+\/fd\/\d\n$/);
    });

    describe('whatever goes wrong, the programs are started', () => {
      const script = ['sh', '-c', 'echo "[$HWLOC_XMLFILE$HWLOC_THISSYSTEM]"'];
      /** A program that stands in for Node. */
      const instead = (text: string) => {
        const file = join(temporaryFolder(), 'node');
        writeFileSync(file, `#!/bin/sh\n${text}\n`);
        chmodSync(file, 0o755);
        return file;
      };

      test('front.sh is not on this node', async () => {
        const { stdout, stderr } = await ranksOf(2, script, { HWLOC_SHARE_XMLFILE: '/not/there/front.sh' });
        expect({ stdout, stderr }).toEqual({ stdout: '[]\n[]\n', stderr: '' });
      });

      test('Node is not on this node', async () => {
        const { stdout, durationMs } = await ranksOf(3, script, { HWLOC_SHARE_NODE: '/not/there/node' });
        expect(stdout).toBe('[]\n[]\n[]\n');
        expect(durationMs).toBeLessThan(10_000);
      });

      test('the machine cannot be discovered: a line says why', async () => {
        const { stdout, stderr } = await ranksOf(3, script, {
          HWLOC_SHARE_LIBHWLOC: '',
          HWLOC_SYNTHETIC_: '',
          HWLOC_COMPONENTS: 'stop',
        });
        expect(stdout).toBe('[]\n[]\n[]\n');
        expect(withoutHwlocErrors(stderr)).toMatch(
          /^hwloc-share: node \S+: no XML file: .*; programs discover the machine for themselves\n$/,
        );
      });

      test('the rank that has the file written hangs at it: the timeout holds for all', async () => {
        const { stdout, durationMs } = await ranksOf(3, script, {
          HWLOC_SHARE_NODE: instead('sleep 4'),
          HWLOC_SHARE_TIMEOUT: '1',
        });
        expect(stdout).toBe('[]\n[]\n[]\n');
        expect(durationMs).toBeGreaterThan(1000);
        await sleep(3500);
      });

      test('the rank that has the file written is killed: the others have it all the same', async () => {
        const env = environment(3, {
          HWLOC_SHARE_NODE: instead(`echo at it $RANK >&2; sleep 1; exec ${process.execPath} "$@"`),
        });
        const root = join(env.HWLOC_SHARE_DIR, `hwloc-share-${uid}`);
        const job = startJob(['sh', '-c', daemon, 'sh', ...front, ...script], { env });
        await job.printed(/at it \d+/);
        const number = /at it (\d+)/.exec(job.output())?.[1] ?? '';
        const ranks = readFileSync(`/proc/${job.pid}/task/${job.pid}/children`, 'utf8').trim().split(' ');
        const rank = ranks.map(Number).find((pid) => environmentOf(pid).includes(`RANK=${number}`));
        expect(sendSignal(rank ?? 0, 'SIGKILL')).toBe(true);
        const { stdout } = await job.result;
        expect(stdout).toMatch(/^(\[\/proc\/\d+\/fd\/91\]\n){2}$/);
        // One has not left, so that the directory is still there.
        expect(sweep(root)).toHaveLength(1);
      });

      test('Node is killed while it writes: the ranks go on, and the last one tidies up', async () => {
        const env = environment(3, { HWLOC_SHARE_NODE: instead('kill -9 $$') });
        const { stdout } = await run(['sh', '-c', daemon, 'sh', ...front, ...script], env);
        expect(stdout).toBe('[]\n[]\n[]\n');
      });

      test('all is killed: the next job tidies up', async () => {
        const env = environment(3, { HWLOC_SHARE_NODE: instead('echo at it >&2; exec sleep 5') });
        const root = join(env.HWLOC_SHARE_DIR, `hwloc-share-${uid}`);
        const job = startJob(['sh', '-c', daemon, 'sh', ...front, ...script], { env });
        await job.printed(/at it/);
        process.kill(-job.pid, 'SIGKILL');
        await job.result;
        await expect.poll(() => readdirSync(root).length === 0 || sweep(root).length > 0).toBe(true);
      });

      test('the directory is open to others: the next one is used', async () => {
        const env = environment(2, { TMPDIR: temporaryFolder() });
        const root = join(env.HWLOC_SHARE_DIR, `hwloc-share-${uid}`);
        const command = `mkdir -m 777 ${root}; chmod 777 ${root}; (${daemon}); ls -A ${root}; rmdir ${root}`;
        const { stdout } = await run(['sh', '-c', command, 'sh', ...front, ...script], env);
        expect(stdout).toMatch(/^(\[\/proc\/\d+\/fd\/91\]\n){2}$/);
      });
    });
  });
