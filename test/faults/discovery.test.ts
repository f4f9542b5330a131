// Discoveries that do not end: a plugin of hwloc waits for ever. Everybody gets a topology without it, and the user a line that says why.
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { launcher } from '../launchers/available.js';
import { endlessPlugin, forPlugins } from '../support/endless.js';
import { runJob } from '../support/job.js';
import { launcherCommands } from '../support/jobs.js';
import { installed, rootOnly, unlessMissing } from '../support/programs.js';
import { expectAllAdopted, reporter, reportsIn, runSharedJob } from '../support/shared-job.js';
import { temporaryFolder } from '../support/temporary.js';
import { wrapper } from '../support/wrapper.js';

const needed = installed(...forPlugins);
const plugins = needed.missing === undefined ? endlessPlugin() : '';

/** With so little patience that the first line, which comes after five seconds, does not. */
const timeout = ['--timeout', '2'];
const again =
  'hwloc has not discovered this machine within 2 s (HWLOC_SHARE_TIMEOUT); discovering it again without its plugins ' +
  '(endless), whose devices will be missing';

needed.describe('a plugin whose discovery does not end', { concurrent: true }, () => {
  const env = { HWLOC_PLUGINS_PATH: plugins };

  test('all ranks share a topology without it, and the leader says so', async () => {
    const job = await runSharedJob(wrapper(...timeout, 'local', '-n', '3', ...reporter), { env });
    expectAllAdopted(job.reports, 3);
    expect(job.stderr).toMatch(new RegExp(`^hwloc-share: node \\S+, rank 0: ${escaped(again)}\n$`));
  });

  for (const name of ['openmpi', 'mpich'] as const) {
    const { test } = launcher(name);
    test(`under ${name}, too; --strict is no reason to fail`, async () => {
      // Only for the ranks: Open MPI's mpirun discovers the machine, too, and would wait itself.
      const command = launcherCommands[name](3, ['env', `HWLOC_PLUGINS_PATH=${plugins}`, ...reporter]);
      const job = await runSharedJob(wrapper(...timeout, '--strict', ...command));
      expectAllAdopted(job.reports, 3);
      expect(`${job.stdout}${job.stderr}`).toContain(again);
    });
  }

  test('a rank that is alone has a topology without it', async () => {
    const { exitCode, stdout, stderr } = await runJob([...reporter], {
      env: { ...env, HWLOC_SHARE_TIMEOUT: '2' },
    });
    expect(exitCode).toBe(0);
    expect(reportsIn(stdout)).toMatchObject([{ outcome: { how: 'discovered' } }]);
    expect(stderr).toBe(`hwloc-share: ${again}\n`);
  });

  test('HWLOC_COMPONENTS leaves it out from the start, as the line says', async () => {
    const job = await runSharedJob(wrapper(...timeout, 'local', '-n', '2', ...reporter), {
      env: { ...env, HWLOC_COMPONENTS: '-endless' },
    });
    expectAllAdopted(job.reports, 2);
    expect(job.stderr).toBe('');
  });

  test('so does an empty HWLOC_PLUGINS_PATH', async () => {
    const job = await runSharedJob(wrapper(...timeout, 'local', '-n', '2', ...reporter), {
      env: { HWLOC_PLUGINS_PATH: '' },
    });
    expectAllAdopted(job.reports, 2);
    expect(job.stderr).toBe('');
  });

  test('a line comes after five seconds where the timeout is longer', async () => {
    const job = await runSharedJob(wrapper('--timeout', '8', 'local', '-n', '2', ...reporter), { env });
    expectAllAdopted(job.reports, 2);
    const lines = job.stderr.trimEnd().split('\n');
    expect(lines).toHaveLength(2);
    expect(lines[0]).toMatch(
      /discovering this machine for 5 s; waiting 8 s at most .* try HWLOC_COMPONENTS=-endless, /,
    );
  });

  test('a program that ends while it still joins has its own exit status', async () => {
    const script =
      'import("hwloc-share/rank").then(({ join }) => join()); setTimeout(() => process.exit(3), 1000)';
    const { exitCode, stderr } = await runJob(
      wrapper('local', '-n', '1', process.execPath, '--input-type=module', '-e', script),
      { env: { ...env, HWLOC_SHARE_DIR: temporaryFolder() }, cwd: join(import.meta.dirname, '../..') },
    );
    expect({ exitCode, stderr }).toEqual({ exitCode: 3, stderr: '' });
  });

  test('--xmlfile writes the file without it, in time for all programs', async () => {
    const program = ['sh', '-c', 'grep -c "<topology" "$HWLOC_XMLFILE"'];
    const words = wrapper(...timeout, '--xmlfile', 'local', '-n', '2', ...program);
    const { exitCode, stdout, stderr } = await runJob(words, {
      env: { ...env, HWLOC_SHARE_DIR: temporaryFolder() },
    });
    expect({ exitCode, stdout }).toEqual({ exitCode: 0, stdout: '1\n1\n' });
    expect(stderr).toMatch(
      /^hwloc-share: node \S+: hwloc has not discovered this machine within 1\.6 s .*\n$/,
    );
  });

  test('show shows the machine without it', async () => {
    const { exitCode, stdout, stderr } = await runJob(wrapper(...timeout, 'show'), { env });
    expect(exitCode).toBe(0);
    expect(stdout).toMatch(/^Machine/);
    expect(stderr).toBe(`hwloc-share: ${again}\n`);
  });
});

/** Where Debian has libhwloc-plugins. */
const gl = readdirSync('/usr/lib')
  .map((name) => join('/usr/lib', name, 'hwloc/hwloc_gl.so'))
  .find((path) => existsSync(path));

const withDisplays = rootOnly('unshare', 'ip', 'lstopo-no-graphics');
const withGl = unlessMissing(
  withDisplays.missing ?? (gl === undefined ? 'hwloc_gl.so is not installed' : undefined),
  withDisplays.missing === undefined && gl !== undefined,
);

withGl.test(
  "hwloc's own plugin for displays, and one that does not answer: all ranks share without it",
  async ({ skip }) => {
    const script = join(import.meta.dirname, 'fixtures/silent-display.sh');
    const around = ['unshare', '--net', 'sh', script, process.execPath];
    const bare = join(temporaryFolder(), 'bare');
    await runJob([...around, 'timeout', '3', 'lstopo-no-graphics', '--only', 'machine'], {
      env: { LISTENING: bare },
    });
    if (!readFileSync(bare, 'utf8').includes('asked'))
      skip('this hwloc by itself asks no display: 2.15 does not');

    const env = { LISTENING: join(temporaryFolder(), 'listening') };
    const job = await runSharedJob(
      [...around, ...wrapper('--timeout', '3', 'local', '-n', '2', ...reporter)],
      { env },
    );
    expectAllAdopted(job.reports, 2);
    expect(job.stderr).toMatch(
      /within 3 s .* without its plugins \(.*\bgl\b.*\), whose devices will be missing\n$/,
    );
    const without = await runSharedJob(
      [...around, ...wrapper('--timeout', '3', 'local', '-n', '2', ...reporter)],
      {
        env: { ...env, LISTENING: join(temporaryFolder(), 'again'), HWLOC_COMPONENTS: '-gl' },
      },
    );
    expectAllAdopted(without.reports, 2);
    expect(without.stderr).toBe('');
  },
);

/** A text as a pattern for itself. */
function escaped(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
}
