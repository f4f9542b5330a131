// The runner of jobs: whatever a job does, the test goes on, and nothing stays behind.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { runJob, startJob } from './job.js';
import { processesLeft, processesWith } from './processes.js';
import { temporaryFolder } from './temporary.js';

const node = process.execPath;
const forEver = 'setInterval(() => {}, 1000);';
// Its child is in a session of its own, as the ranks of Open MPI and Slurm are, and holds the job's stdout.
const withOrphan = `
  const { spawn } = require('node:child_process');
  spawn(process.execPath, ['-e', ${JSON.stringify(forEver)}], { detached: true, stdio: 'inherit' }).unref();
  console.log('started');
`;

test('a result has both streams, the exit status and the time', async () => {
  const job = await runJob([node, '-e', 'console.log(1); console.error(2); process.exitCode = 3']);
  expect(job).toMatchObject({ stdout: '1\n', stderr: '2\n', exitCode: 3, signal: undefined });
  expect(job.durationMs).toBeGreaterThan(1);
});

test('a job ended by a signal has that signal and no exit status', async () => {
  const job = await runJob([node, '-e', 'process.kill(process.pid, "SIGKILL")']);
  expect(job).toMatchObject({ exitCode: undefined, signal: 'SIGKILL' });
});

test('what launchers say of themselves is left out of stderr', async () => {
  const says = [
    'job 15 queued and waiting for resources',
    'job 15 has been allocated resources',
    'error: no',
  ];
  const { stderr } = await runJob(['sh', '-c', says.map((text) => `echo srun: ${text} >&2`).join('; ')]);
  expect(stderr).toBe('srun: error: no\n');
});

// SIGPIPE is brought about here, since the real mpirun comes upon it by chance.
test.each([
  [1, 'kill -PIPE $$', 0],
  [2, 'exit 141', 0],
  [9, 'exit 141', 141],
])(
  'a job of MPICH that ends %i times by SIGPIPE (%s) is run four times at most',
  async (times, by, exitCode) => {
    const runs = join(temporaryFolder(), 'runs');
    const script = `echo run >>${runs}; [ $(wc -l <${runs}) -gt ${times} ] || ${by}`;
    expect(await runJob(['sh', '-c', script, 'mpirun.mpich'])).toMatchObject({ exitCode });
    expect(readFileSync(runs, 'utf8')).toBe('run\n'.repeat(Math.min(times + 1, 4)));
  },
);

test('a job of another launcher that ends by SIGPIPE is run once', async () => {
  const job = await runJob(['sh', '-c', 'kill -PIPE $$', 'srun']);
  expect(job).toMatchObject({ exitCode: undefined, signal: 'SIGPIPE' });
});

test('a job reads what it is given, or nothing', async () => {
  const cat = [node, '-e', 'process.stdin.pipe(process.stdout)'];
  expect((await runJob(cat, { stdin: 'words' })).stdout).toBe('words');
  expect((await runJob(cat)).stdout).toBe('');
});

test('what a job writes is had byte by byte', async () => {
  const bytes = Buffer.from([...Array(256).keys()]);
  const write = `process.stdout.write(Buffer.from('${bytes.toString('hex')}', 'hex'))`;
  const { stdout } = await runJob([node, '-e', write], { encoding: 'latin1' });
  expect(Buffer.from(stdout, 'latin1')).toEqual(bytes);
});

test('a variable can be added and taken out', async () => {
  const shown = [node, '-e', 'console.log(process.env.TEST_ADDED, process.env.HOME)'];
  const job = await runJob(shown, { env: { TEST_ADDED: 'yes', HOME: undefined } });
  expect(job.stdout).toBe('yes undefined\n');
});

test('a job whose time is over fails with its output, and takes even its orphans with it', async () => {
  const job = startJob([node, '-e', withOrphan + forEver], { timeoutMs: 3000 });
  await expect(job.result).rejects.toThrow(/not ended after 3000 ms: [^]*output so far:\nstarted/);
  expect(processesWith(job.marker)).toEqual([]);
});

test('an orphan that holds the output open does not hold up the test', async () => {
  const job = startJob([node, '-e', withOrphan], { timeoutMs: 500 });
  await expect(job.result).rejects.toThrow('not ended after 500 ms');
  expect(processesWith(job.marker)).toEqual([]);
});

test('a job can be aborted', async () => {
  const abort = new AbortController();
  const job = startJob([node, '-e', withOrphan + forEver], { signal: abort.signal });
  await job.printed(/started/);
  abort.abort();
  await expect(job.result).rejects.toThrow('aborted');
  expect(await processesLeft(() => processesWith(job.marker))).toEqual([]);
});

test('a command that does not exist is named', () => {
  expect(() => startJob(['no-such-launcher', '-n', '2'])).toThrow('no such command: no-such-launcher -n 2');
});

test('waiting for output ends with the job', async () => {
  const job = startJob([node, '-e', 'console.log("something else")']);
  await expect(job.printed(/ready/)).rejects.toThrow(/ended without printing \/ready\/:\nsomething else/);
});
