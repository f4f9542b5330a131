// docs/install.md, word for word: the package of a site, and pnpm. And `npm pack` of a clone that was not built.
import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { blocksOf } from '../support/blocks.js';
import { temporaryFolder } from '../support/temporary.js';

const root = resolve(import.meta.dirname, '../..');
const packed = 'hwloc-share-0.1.0.tgz';
const home = temporaryFolder();
const blocks = new Map(blocksOf('docs/install.md').map(({ label, text }) => [label, text]));

const twoRanks = /^[01] [1-9]\d* adopted\n[01] [1-9]\d* adopted\n$/;

function shell(text: string, cwd: string, env: Record<string, string> = {}): string {
  const { status, stdout, stderr } = spawnSync('bash', ['-euo', 'pipefail', '-c', text], {
    cwd,
    env: { PATH: process.env.PATH, HOME: home, npm_config_update_notifier: 'false', ...npmSettings, ...env },
    encoding: 'utf8',
    timeout: 250_000,
  });
  if (status !== 0) throw new Error(`${text}\n${stdout}${stderr}`);
  return stdout;
}

/** Of the machine: which registry there is. The home folder is our own. */
const npmSettings = Object.fromEntries(
  ['registry', 'cafile'].flatMap((name) => {
    const { stdout } = spawnSync('npm', ['config', 'get', name], { encoding: 'utf8' });
    return stdout.trim() === 'null' ? [] : [[`npm_config_${name}`, stdout.trim()]];
  }),
);

beforeAll(() => {
  shell(`npm pack --ignore-scripts --silent --pack-destination '${home}'`, root);
});

test('the package has no install script', () => {
  const manifest = shell(`tar -xOf ${packed} package/package.json`, home);
  const { scripts } = JSON.parse(manifest) as { scripts: Record<string, string> };
  expect(Object.keys(scripts).filter((name) => /^(pre|post)?install$|^prepare$/.test(name))).toEqual([]);
});

describe('a site installs it once', () => {
  const prefix = join(home, 'site');
  const package_ = join(prefix, 'lib/node_modules/hwloc-share');
  const job = join(home, 'users/job');
  const module = {
    PATH: `${join(prefix, 'bin')}:${process.env.PATH ?? ''}`,
    NODE_PATH: join(prefix, 'lib/node_modules'),
    HWLOC_SHARE_HOME: package_,
  };

  beforeAll(() => {
    const site = blocks.get('site')?.replace(/^PREFIX=.*$/m, `PREFIX='${prefix}'`) ?? '';
    expect(shell(site, home)).toContain('Sharing works here');
    mkdirSync(job, { recursive: true });
    writeFileSync(
      join(job, 'job.mjs'),
      `import { join } from 'hwloc-share/rank';
       const session = await join();
       console.log(session.rank, session.topology.count('PU'), session.outcome.how);`,
    );
    writeFileSync(join(job, 'plain.mjs'), `console.log('ran');\n`);
  }, 300_000);

  test('where its modulefile says', () => {
    const page = readFileSync(join(root, 'docs/install.md'), 'utf8');
    const tcl = /^```tcl\n([^]*?)^```$/m.exec(page)?.[1]?.replaceAll('$prefix', prefix) ?? '';
    const paths = tcl
      .split('\n')
      .flatMap((line) => /^(?:prepend-path|setenv) \S+ (.*)$/.exec(line)?.[1] ?? []);
    expect(paths.filter((path) => !existsSync(path))).toEqual([]);
    expect(paths).toEqual(expect.arrayContaining([module.NODE_PATH, module.HWLOC_SHARE_HOME]));
    // npm 12 makes no links to man pages any more.
    expect(existsSync(join(package_, 'dist/man/man1/hwloc-share.1'))).toBe(true);
    expect(paths).toContain(join(package_, 'dist/man'));
  });

  test('Node does not find it by name in a job outside, with the words that the page has', () => {
    expect(() => shell('node job.mjs', job, module)).toThrow(/Cannot find package 'hwloc-share'/);
  });

  test.each(['require', 'path'])('a job outside joins: %s', (label) => {
    expect(shell(blocks.get(label) ?? 'false', job, module)).toMatch(twoRanks);
  });

  test('a program outside that only joins: auto', () => {
    expect(shell(blocks.get('auto') ?? 'false', job, { ...module, HWLOC_SHARE_STRICT: '1' })).toBe(
      'ran\nran\n',
    );
  });

  test('a job in a folder with a link joins', () => {
    expect(shell(blocks.get('link') ?? 'false', job, module)).toMatch(twoRanks);
  });
});

test('pnpm installs it', { timeout: 300_000 }, () => {
  const folder = join(home, 'pnpm');
  mkdirSync(folder);
  cpSync(join(home, packed), join(folder, packed));
  writeFileSync(join(folder, 'package.json'), '{}');
  const tools = join(home, 'tools');
  shell(`npm install --silent --prefix '${tools}' pnpm@12`, home);
  const env = { PATH: `${join(tools, 'node_modules/.bin')}:${process.env.PATH ?? ''}` };
  // Bare: what makes the page's first lines necessary.
  expect(() =>
    shell(`mkdir bare; cd bare; echo '{}' > package.json; pnpm add ../${packed}`, folder, env),
  ).toThrow(/ERR_PNPM_IGNORED_BUILDS[^]*Ignored build scripts: koffi@/);
  expect(shell(blocks.get('pnpm') ?? 'false', folder, env)).toContain('Sharing works here');
});

test('npm pack builds what it packs', { timeout: 300_000 }, () => {
  const clone = join(home, 'clone');
  const files = shell('git ls-files --cached --others --exclude-standard', root).trim().split('\n');
  for (const file of files.filter((name) => existsSync(join(root, name)))) {
    mkdirSync(dirname(join(clone, file)), { recursive: true });
    cpSync(join(root, file), join(clone, file));
  }
  symlinkSync(join(root, 'node_modules'), join(clone, 'node_modules'));
  expect(existsSync(join(clone, 'dist'))).toBe(false);

  expect(shell('npm pack --silent', clone)).toBe(`${packed}\n`);
  const listed = (archive: string) =>
    shell(`tar -tf '${archive}'`, home)
      .trim()
      .split('\n')
      .filter((name) => !/-[A-Z0-9]{8}\.|\.cache$/.test(name))
      .sort();
  const inside = listed(join(clone, packed));
  expect(inside).toContain('package/dist/bundle/rank/index.mjs');
  expect(inside).toEqual(listed(join(home, packed)));
});
