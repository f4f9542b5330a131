// The packed tree, installed into an empty folder: a new user follows README.md there, word for word.
import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, readFileSync, readdirSync } from 'node:fs';
import { builtinModules } from 'node:module';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { launcher as launcherOf } from '../launchers/available.js';
import { type Slurm, startSlurm } from '../launchers/slurm.js';
import { blocksOf } from '../support/blocks.js';
import { findCommand } from '../support/commands.js';
import { temporaryFolder } from '../support/temporary.js';

const root = resolve(import.meta.dirname, '../..');
const packed = 'hwloc-share-0.1.0.tgz';
const home = temporaryFolder();
const folder = join(home, 'empty');
const installed = join(folder, 'node_modules/hwloc-share');

/** A command block of README.md, labelled with the launcher that it needs. */
const blocks = blocksOf('README.md').map(({ label, text }) => ({ launcher: label, text }));

/** What blocks before have set, for those after them, as in one shell. */
const exported = blocks
  .flatMap(({ text }) => text.split('\n'))
  .filter((line) => line.startsWith('export '))
  .join('\n');

/** Neither the tree's variables nor those of npm, which started this test perhaps. */
const environment = {
  PATH: process.env.PATH,
  HOME: process.env.HOME,
  npm_config_update_notifier: 'false',
  npm_config_audit: 'false',
  npm_config_fund: 'false',
  OMPI_ALLOW_RUN_AS_ROOT: '1',
  OMPI_ALLOW_RUN_AS_ROOT_CONFIRM: '1',
  OMPI_MCA_rmaps_base_oversubscribe: '1',
};

let slurm: Slurm | undefined;

beforeAll(async () => {
  if (launcherOf('slurm').missing === undefined) slurm = await startSlurm();
});

afterAll(async () => {
  await slurm?.stop();
});

/** Whether the launcher of a block is here; a program that is no launcher may be missing as well. */
function canRun({ launcher, text }: (typeof blocks)[number]): boolean {
  if (launcher === 'srun') return slurm !== undefined;
  const programs = ['lstopo-no-graphics', 'python3'].filter((name) => text.includes(name));
  const needed = [launcher, ...programs];
  return needed.every((name) => name === '' || findCommand(name) !== undefined);
}

/** Whether it has two programs in one job, and mpirun cannot run that by itself: Debian 13's crashes. */
function isTooMuchForMpirun({ launcher, text }: (typeof blocks)[number]): boolean {
  if (launcher !== 'mpirun' || !text.includes(' : ')) return false;
  const words = ['-n', '1', 'true', ':', '-n', '1', 'true'];
  return spawnSync('mpirun', words, { env: environment, timeout: 20_000 }).status !== 0;
}

function shell(text: string, cwd: string): string {
  const { status, stdout, stderr, error } = spawnSync('bash', ['-euo', 'pipefail', '-c', text], {
    cwd,
    env: { ...environment, ...slurm?.env, SLURM_OVERCOMMIT: '1' },
    encoding: 'utf8',
    timeout: 150_000,
  });
  if (status !== 0) throw new Error(`${text}\n${stdout}${stderr}${error?.message ?? ''}`);
  return stdout;
}

/** Packs what was built, and puts it into an empty folder. */
function pack(): void {
  mkdirSync(folder, { recursive: true });
  shell(`npm pack --ignore-scripts --silent --pack-destination '${home}'`, root);
  copyFileSync(join(home, packed), join(folder, packed));
}

test('README.md has blocks to install, to run with the wrapper, without it, and of a job of one’s own', () => {
  const all = blocks.map(({ text }) => text).join('');
  expect(all).toContain(`npm install ./${packed}`);
  expect(all).toMatch(/^hwloc-share mpirun /m);
  expect(all).toMatch(/^mpirun /m);
  expect(all).toMatch(/^hwloc-share local .* job\.mjs$/m);
});

test(
  'the packed tree does what README.md says, in an empty folder',
  { timeout: 400_000 },
  async (context) => {
    pack();
    for (const { launcher, text } of blocks) {
      if (!canRun({ launcher, text })) continue;
      if (isTooMuchForMpirun({ launcher, text })) {
        await context.annotate(`not run, since mpirun itself cannot run two programs: ${text}`);
        continue;
      }
      const stdout = shell(`${exported}\n${text}`, folder);
      const first = text.split('\n').filter((line) => / first-job\.mjs| examples\/first-job\.mjs/.test(line));
      const ranks = stdout.match(/^rank \d of 2: .* PUs \(adopted\)$/gm) ?? [];
      expect(ranks, `${text}\n${stdout}`).toHaveLength(2 * first.length);
      if (text.includes('doctor')) expect(stdout).toContain('Sharing works here');
      if (text.includes('job.mjs <<')) expect(stdout).toMatch(/^\d \d+ adopted\n\d \d+ adopted\n$/);
      if (text.includes('--only core')) expect(stdout.match(/^Core /gm)?.length ?? 0).toBeGreaterThan(1);
      if (text.includes('--report')) {
        const report = JSON.parse(readFileSync(join(folder, 'report.json'), 'utf8')) as object;
        expect(JSON.stringify(report).match(/"adopted"/g)?.length ?? 0).toBeGreaterThanOrEqual(2);
        expect(JSON.parse(readFileSync(join(folder, 'trace.json'), 'utf8'))).toBeTruthy();
      }
      if (text.includes('auto.mjs <<')) expect(stdout).toMatch(/^(\d+)\n\1\n$/);
    }

    // What npm put beside it is what it imports, and nothing more.
    const beside = readdirSync(join(folder, 'node_modules')).filter((name) => !name.startsWith('.'));
    const needed = ['execa', 'koffi', 'p-limit', 'yargs'];
    expect(beside).toEqual(expect.arrayContaining(needed));
    expect(importedPackages()).toEqual(needed);
    expect(Object.keys(manifest().dependencies)).toEqual(needed);

    // No file of ours that only a build needs. (packed.test.ts looks at what the doors lead to.)
    expect(
      readdirSync(installed).filter((name) => ['src', 'test', 'bench', 'scripts'].includes(name)),
    ).toEqual([]);
  },
);

test('each page that README.md links to is in the package', () => {
  const { stdout } = spawnSync('npm', ['pack', '--dry-run', '--ignore-scripts', '--json'], {
    cwd: root,
    encoding: 'utf8',
  });
  // One package: in a list, or by its name from npm 12 on.
  const [packedOne] = Object.values(JSON.parse(stdout) as Record<string, { files: { path: string }[] }>);
  const paths = packedOne?.files.map(({ path }) => path) ?? [];
  const links = [...readFileSync(join(root, 'README.md'), 'utf8').matchAll(/\]\((?!https?:|#)([^)#]+)\)/g)];
  const missing = links
    .map(([, to = '']) => to)
    .filter((to) => !to.startsWith('src/') && !paths.includes(to));
  expect(links.length).toBeGreaterThan(8);
  expect(missing).toEqual([]);
});

interface Manifest {
  readonly dependencies: Record<string, string>;
}

function manifest(): Manifest {
  return JSON.parse(readFileSync(join(installed, 'package.json'), 'utf8')) as Manifest;
}

/** Packages that a file of the installed bundle imports or requires, by name. */
function importedPackages(): string[] {
  const bundle = join(installed, 'dist/bundle');
  const scripts = readdirSync(bundle, { recursive: true, encoding: 'utf8' }).filter((name) =>
    /\.[cm]?js$/.test(name),
  );
  const words = /(?:\bfrom ?|\bimport ?\(?|\brequire\(|\bcreateRequire\([\w.]+\)\()["']([^"'\n]+)["']/g;
  const names = scripts.flatMap((name) =>
    [...readFileSync(join(bundle, name), 'utf8').matchAll(words)].flatMap(
      ([, to = '']) => /^(?:@[\w-]+\/)?[\w-][\w.-]*(?=\/|$)/.exec(to) ?? [],
    ),
  );
  // Comments of ours show how to import hwloc-share itself.
  return [...new Set(names)]
    .filter((name) => name !== 'hwloc-share' && !builtinModules.includes(name))
    .sort();
}
