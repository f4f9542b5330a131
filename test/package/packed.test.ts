// What is packed, as its readers and their tools see it: links, metadata, types, and the imports that cannot work.
import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { publint } from 'publint';
import { formatMessage } from 'publint/utils';
import { beforeAll, describe, expect, test } from 'vitest';
import { temporaryFolder } from '../support/temporary.js';

const root = resolve(import.meta.dirname, '../..');
const folder = temporaryFolder();
const archive = join(folder, 'hwloc-share-0.1.0.tgz');
const installed = join(folder, 'node_modules/hwloc-share');

interface Ran {
  readonly stdout: string;
  readonly stderr: string;
  readonly status: number | null;
}

function run(command: string, words: readonly string[], cwd: string): Ran {
  const { stdout, stderr, status, error } = spawnSync(command, words, {
    cwd,
    encoding: 'utf8',
    timeout: 120_000,
  });
  if (error !== undefined) throw error;
  return { stdout, stderr, status };
}

function runTool(script: string, words: readonly string[], cwd: string): Ran {
  return run(process.execPath, [join(root, 'node_modules', script), ...words], cwd);
}

beforeAll(() => {
  const words = ['pack', '--ignore-scripts', '--silent', '--pack-destination', folder];
  expect(run('npm', words, root)).toMatchObject({ status: 0 });
  mkdirSync(installed, { recursive: true });
  run('tar', ['-xf', archive, '-C', installed, '--strip-components', '1'], folder);
  for (const name of ['koffi', '@koromix']) {
    symlinkSync(join(root, 'node_modules', name), join(folder, 'node_modules', name));
  }
}, 60_000);

describe('links', () => {
  const plugin = join(root, 'node_modules/remark-validate-links/index.js=repository:false');
  const check = (cwd: string) =>
    runTool('remark-cli/cli.js', ['.', '--use', plugin, '--frail', '--quiet', '--no-color'], cwd);

  test('each leads to a file of the package, and to a heading that it has', { timeout: 120_000 }, () => {
    expect(check(installed)).toEqual({ stdout: '', stderr: '', status: 0 });
  });

  test('one to a file or a heading that is missing is found', { timeout: 120_000 }, () => {
    const broken = temporaryFolder();
    writeFileSync(join(broken, 'page.md'), '# A page\n\n[a](missing.md) [b](#missing) [c](#a-page)\n');
    const { stderr, status } = check(broken);
    expect(status).toBe(1);
    expect(stderr).toContain('Cannot find file `missing.md`');
    expect(stderr).toContain('Cannot find heading for `#missing`');
    expect(stderr).toContain('2 warnings');
  });
});

test('publint has nothing to say of package.json', { timeout: 60_000 }, async () => {
  const { buffer } = readFileSync(archive);
  const { messages } = await publint({ pack: { tarball: buffer }, strict: true });
  const manifest = JSON.parse(readFileSync(join(installed, 'package.json'), 'utf8')) as object;
  expect(messages.map((message) => formatMessage(message, manifest))).toEqual([]);
});

test('types of each import are found where TypeScript looks for them', { timeout: 120_000 }, () => {
  const words = [archive, '--profile', 'esm-only', '--format', 'ascii', '--no-color', '--no-emoji'];
  const { stdout, status } = runTool('@arethetypeswrong/cli/dist/index.js', words, root);
  expect(status, stdout).toBe(0);
  for (const name of ['hwloc-share', 'hwloc-share/rank', 'hwloc-share/auto', 'hwloc-share/hwloc']) {
    expect(stdout).toMatch(new RegExp(`^"${name}"\n\nnode16 \\(from ESM\\): OK \\(ESM\\)`, 'm'));
  }
});

describe('an import that cannot work says which one does', () => {
  const evaluate = (text: string, kind: 'module' | 'commonjs') =>
    run(process.execPath, [`--input-type=${kind}`, '-e', text], folder);

  test.each([
    ["import 'hwloc-share';", 'module'],
    ["import { join } from 'hwloc-share';", 'module'],
    ["import { loadTopology, CpuSet } from 'hwloc-share';", 'module'],
    ["import topology, { session } from 'hwloc-share';", 'module'],
    ["require('hwloc-share');", 'commonjs'],
  ] as const)('%s', (text, kind) => {
    const { stderr, status } = evaluate(text, kind);
    expect(status).toBe(1);
    expect(stderr).toMatch(
      /^Error: hwloc-share: nothing has this name alone; import \{ join \} from 'hwloc-share\/rank'/m,
    );
    expect(stderr).toContain("code: 'HWLOC_SHARE_WRONG_IMPORT'");
  });

  test("require('hwloc-share/auto')", () => {
    const { stderr, status } = evaluate("require('hwloc-share/auto');", 'commonjs');
    expect(status).toBe(1);
    expect(stderr).toMatch(
      /^Error: hwloc-share: hwloc-share\/auto joins .* use await import\('hwloc-share\/auto'\)/m,
    );
    expect(stderr).toContain("code: 'HWLOC_SHARE_WRONG_IMPORT'");
  });

  test('and what those lines name does work', () => {
    const names = `import { join } from 'hwloc-share/rank';
      import topology from 'hwloc-share/auto';
      import { loadTopology } from 'hwloc-share/hwloc';
      console.log(typeof join, topology.count('Machine'), typeof loadTopology);`;
    expect(evaluate(names, 'module').stdout).toBe('function 1 function\n');
    const required = `const { join } = require('hwloc-share/rank');
      import('hwloc-share/auto').then(({ default: topology }) => console.log(typeof join, topology.count('Machine')));`;
    expect(evaluate(required, 'commonjs').stdout).toBe('function 1\n');
  });
});
