// The file of a report: what it may be, when it is looked at, and what follows where it cannot be written.
import { execFileSync, spawn } from 'node:child_process';
import {
  mkdirSync,
  readFileSync,
  readdirSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { type JobOptions, runJob, startJob } from '../support/job.js';
import { reportIn } from '../support/job-report.js';
import { leftovers } from '../support/leftovers.js';
import { reporter } from '../support/shared-job.js';
import { temporaryFolder } from '../support/temporary.js';
import { wrapper } from '../support/wrapper.js';

const local = (ranks: number, ...program: readonly string[]) => ['local', '-n', String(ranks), ...program];

describe.concurrent('the file', () => {
  const run = (words: readonly string[], options: JobOptions = {}) => {
    const env = { HWLOC_SHARE_DIR: temporaryFolder(), ...options.env };
    return runJob(wrapper(...words), { ...options, env });
  };

  test.each(['--report', '--trace'])(
    '%s: one that cannot be is an error before the job starts',
    async (option) => {
      const folder = temporaryFolder();
      writeFileSync(join(folder, 'file'), '');
      for (const [file, why] of [
        [join(folder, 'none', 'r.json'), `there is no folder ${join(folder, 'none')}`],
        [join(folder, 'file', 'r.json'), 'ENOTDIR'],
        [folder, 'is a folder'],
        ['-', "standard output is the job's own"],
        ['', 'takes the name of a file'],
      ] as const) {
        const { exitCode, stdout, stderr } = await run([`${option}=${file}`, 'echo', 'ran']);
        expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: '' });
        expect(stderr).toMatch(new RegExp(`^hwloc-share: ${option}.*\\n$`));
        expect(stderr).toContain(why);
      }
      expect(readdirSync(folder)).toEqual(['file']);
    },
  );

  test('may not be the one that standard output goes to', () => {
    const folder = temporaryFolder();
    const [bin = '', ...rest] = wrapper('--report', join(folder, 'out'), 'echo', 'ran');
    const shell = () =>
      execFileSync('sh', ['-c', 'exec "$0" "$@" >out', bin, ...rest], { cwd: folder, stdio: 'pipe' });
    expect(shell).toThrow(/standard output is the job's own/);
  });

  test('is named from where the wrapper works, and keeps its permissions', async () => {
    const cwd = temporaryFolder();
    await run(['--report', 'r.json', ...local(2, ...reporter)], { cwd });
    expect(statSync(join(cwd, 'r.json')).mode & 0o777).toBe(
      0o666 & ~parseInt(execFileSync('sh', ['-c', 'umask'], { encoding: 'utf8' }), 8),
    );
    writeFileSync(join(cwd, 'r.json'), 'old', { mode: 0o640 });
    execFileSync('chmod', ['640', 'r.json'], { cwd });
    await run(['--report', './r.json', ...local(2, ...reporter)], { cwd });
    expect(statSync(join(cwd, 'r.json')).mode & 0o777).toBe(0o640);
    expect(reportIn(join(cwd, 'r.json')).totals.adopted).toBe(2);
    expect(readdirSync(cwd)).toEqual(['r.json']);
  });

  test('may be a link: what it leads to is written', async () => {
    const [folder, elsewhere] = [temporaryFolder(), temporaryFolder()];
    writeFileSync(join(elsewhere, 'real.json'), 'x'.repeat(100_000));
    symlinkSync(join(elsewhere, 'real.json'), join(folder, 'link.json'));
    await run(['--report', join(folder, 'link.json'), ...local(2, ...reporter)]);
    expect(reportIn(join(elsewhere, 'real.json')).totals.adopted).toBe(2);
    expect(readdirSync(folder)).toEqual(['link.json']);
  });

  test('may be a FIFO that somebody reads', async () => {
    const fifo = join(temporaryFolder(), 'fifo');
    execFileSync('mkfifo', [fifo]);
    const reader = spawn('cat', [fifo], { stdio: ['ignore', 'pipe', 'inherit'] });
    let read = '';
    reader.stdout.on('data', (chunk: Buffer) => (read += chunk.toString()));
    const ended = new Promise((resolve) => reader.on('close', resolve));
    await run(['--report', fifo, ...local(2, ...reporter)]);
    await ended;
    expect((JSON.parse(read) as { totals: unknown }).totals).toMatchObject({ adopted: 2 });
  });

  test('may be what a shell makes of >(…)', () => {
    const [bin = '', ...rest] = wrapper();
    const script = '"$0" "$@" --report >(cat >got) local -n 1 true; sleep 0.3';
    const cwd = temporaryFolder();
    execFileSync('bash', ['-c', script, bin, ...rest], { cwd, stdio: 'ignore' });
    expect(reportIn(join(cwd, 'got')).totals.ranks).toBe(0);
  });

  test('a FIFO that nobody reads holds nobody up, and is complained of', async () => {
    const fifo = join(temporaryFolder(), 'fifo');
    execFileSync('mkfifo', [fifo]);
    const { exitCode, stderr } = await run(['--report', fifo, 'sh', '-c', 'exit 3']);
    expect(exitCode).toBe(3);
    expect(stderr).toMatch(/^hwloc-share: the report was not written to .*: ENXIO/m);
  });

  test('/dev/stderr gets what it can, behind what is there', () => {
    const cwd = temporaryFolder();
    const [bin = '', ...rest] = wrapper('--report', '/dev/stderr', 'sh', '-c', 'echo said >&2');
    execFileSync('sh', ['-c', 'exec "$0" "$@" 2>err', bin, ...rest], { cwd });
    expect(readFileSync(join(cwd, 'err'), 'utf8')).toMatch(/^said\n\{\n {2}"version": 1,[^]*\n\}\n/);
  });

  test('that cannot be written when the job has run is complained of; the status is the job’s', async () => {
    const folder = join(temporaryFolder(), 'goes');
    mkdirSync(folder);
    const script = `rm -r '${folder}'; exit 4`;
    const { exitCode, stderr } = await run([
      '--report',
      join(folder, 'r.json'),
      '--trace',
      join(folder, 't.json'),
      'sh',
      '-c',
      script,
    ]);
    expect(exitCode).toBe(4);
    expect(stderr).toMatch(/^hwloc-share: the report was not written to .*r\.json: ENOENT/m);
    expect(stderr).toMatch(/^hwloc-share: the trace was not written to .*t\.json: ENOENT/m);
  });

  test('where a folder has come to stand meanwhile', async () => {
    const file = join(temporaryFolder(), 'r.json');
    const { exitCode, stderr } = await run(['--report', file, 'mkdir', '-p', join(file, 'x')]);
    expect(exitCode).toBe(0);
    expect(stderr).toMatch(/the report was not written to .*: EISDIR|ENOTEMPTY/);
    expect(readdirSync(join(file, '..'))).toEqual(['r.json']);
  });

  test('ranks whose place for it goes away join as ever, and the leader says so', async () => {
    const folder = join(temporaryFolder(), 'goes');
    mkdirSync(folder);
    const script = `[ $HWLOC_SHARE_RANK = 0 ] && rm -r '${folder}'; until ! [ -e '${folder}' ]; do sleep 0.01; done; exec "$@"`;
    const words = ['--report', join(folder, 'r.json'), ...local(3, 'sh', '-c', script, 'sh', ...reporter)];
    const { exitCode, stdout, stderr } = await run(words);
    expect(exitCode).toBe(0);
    expect(stdout.match(/"how":"adopted"/g)).toHaveLength(3);
    expect(stderr).toMatch(
      /rank 0: not in the report: --report needs a directory that all nodes share: ENOENT/,
    );
  });

  test('what a killed wrapper left beside it goes with the next report', async () => {
    const [folder, dir] = [temporaryFolder(), temporaryFolder()];
    const file = join(folder, 'r.json');
    const job = startJob(wrapper('--report', file, 'sh', '-c', 'echo up; kill -KILL $PPID'), {
      env: { HWLOC_SHARE_DIR: dir },
    });
    await job.result;
    const [left = '', ...others] = readdirSync(folder);
    expect(others).toEqual([]);
    // Before it has locked it, which may be so here, it is left alone for ten seconds.
    const eleven = Date.now() / 1000 - 11;
    utimesSync(join(folder, left, 'roll'), eleven, eleven);
    await run(['--report', file, 'true']);
    expect(readdirSync(folder)).toEqual(['r.json']);
    expect(leftovers([dir])).toEqual([]);
  });
});
