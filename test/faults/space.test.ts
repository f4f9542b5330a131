// Where /dev/shm has no room, or cannot be used: the next directory, else the fallback; never SIGBUS.
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { installed, rootOnly } from '../support/programs.js';
import { runJob } from '../support/job.js';
import { leftovers } from '../support/leftovers.js';
import { reportsIn } from '../support/shared-job.js';
import { machineFile } from '../support/machine-file.js';
import { temporaryFolder } from '../support/temporary.js';
import { wrapper } from '../support/wrapper.js';

const inShm = join(import.meta.dirname, 'fixtures/in-shm.sh');
const rank = join(import.meta.dirname, 'fixtures/rank.mjs');
const mounting = rootOnly('mount', 'unshare');

/** About 1 MB: no room for it in 64 KB. */
const large = 'pack:4 core:64 pu:2';

/** @param env  What is different from usual: another topology, other directories. */
async function runInShm(kind: string, env: Record<string, string> = {}, ...inFront: string[]) {
  const { exitCode, stdout, stderr } = await runJob(
    ['sh', inShm, kind, ...inFront, ...wrapper('local', '-n', '3', process.execPath, rank)],
    {
      // No directory of ours: the usual ones are what this is about.
      env: {
        TMPDIR: temporaryFolder(),
        XDG_RUNTIME_DIR: undefined,
        HWLOC_SHARE_DIR: undefined,
        ...(env.HWLOC_SYNTHETIC === undefined && (await machineFile())),
        ...env,
      },
    },
  );
  expect(stderr).not.toContain('left:');
  expect(exitCode, stderr).toBe(0);
  const told = reportsIn(stdout);
  expect(told).toHaveLength(3);
  expect(new Set(told.map(({ tree }) => tree)).size).toBe(1);
  return {
    how: told.map(({ outcome }) => outcome.how),
    reason: told.map(({ outcome }) => outcome.reason),
    stderr,
  };
}

const all = (how: string) => [how, how, how];

mounting.test('too small for the topology: it goes to the next directory, and a line says so', async () => {
  const { how, stderr } = await runInShm('small', { HWLOC_SYNTHETIC: large });
  expect(how).toEqual(all('adopted'));
  expect(stderr).toMatch(
    /^hwloc-share: node \S+, rank 0: \/dev\/shm\/.*ENOSPC.*; using the next directory\n$/,
  );
});

mounting.test('small, but large enough: it is used', async () => {
  expect(await runInShm('small')).toMatchObject({ how: all('adopted'), stderr: '' });
});

mounting.test(
  'full: the ranks meet there all the same, and the topology goes to the next directory',
  async () => {
    const { how, stderr } = await runInShm('full');
    expect(how).toEqual(all('adopted'));
    expect(stderr).toMatch(
      /^hwloc-share: node \S+, rank 0: \/dev\/shm\/.*ENOSPC.*; using the next directory\n$/,
    );
  },
);

for (const kind of ['inodes', 'readonly', 'missing']) {
  mounting.test(`${kind}: the next directory`, async () => {
    expect(await runInShm(kind)).toMatchObject({ how: all('adopted'), stderr: '' });
  });
}

mounting.test('noexec: nothing of ours is executed', async () => {
  expect(await runInShm('noexec')).toMatchObject({ how: all('adopted'), stderr: '' });
});

mounting.test(
  'too small everywhere: each rank has a topology of its own, and the reason is told',
  async () => {
    const { how, reason } = await runInShm('small-everywhere', { HWLOC_SYNTHETIC: large });
    expect(how).toEqual(all('discovered'));
    for (const each of reason) expect(each).toMatch(/ENOSPC/);
  },
);

// The kernel's answer is put into its mouth: that of a test machine may know no quota.
installed('strace').test(
  'more than a quota allows: it goes to the next directory, and a line says so',
  async () => {
    const [folder, next] = [temporaryFolder(), temporaryFolder()];
    const refusing = ['-e', 'trace=fallocate', '-e', 'inject=fallocate:error=EDQUOT:when=1'];
    const strace = ['strace', '-f', '--seccomp-bpf', '-qq', '-o', '/dev/null', ...refusing];
    const job = wrapper('--dir', folder, 'local', '-n', '3', process.execPath, rank);
    const env = { XDG_RUNTIME_DIR: next, TMPDIR: temporaryFolder() };
    const { stdout, stderr, exitCode } = await runJob([...strace, ...job], { env });
    expect(exitCode, stderr).toBe(0);
    expect(reportsIn(stdout).map(({ outcome }) => outcome.how)).toEqual(all('adopted'));
    expect(stderr).toMatch(/^hwloc-share: .*EDQUOT.*; using the next directory\n$/);
    expect(leftovers([folder, next, env.TMPDIR])).toEqual([]);
  },
);

test('more than a process may write (ulimit -f): each rank has a topology of its own', async () => {
  const { exitCode, stdout } = await runJob([
    'sh',
    '-c',
    'ulimit -f 4; exec "$@"',
    'sh',
    ...wrapper('--dir', temporaryFolder(), 'local', '-n', '3', process.execPath, rank),
  ]);
  expect(exitCode).toBe(0);
  for (const { outcome } of reportsIn(stdout))
    expect(outcome).toMatchObject({ how: 'discovered', reason: /EFBIG/ });
});
