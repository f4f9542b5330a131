// What a program imports says in one line why it cannot work here, and a program that only joins runs all the same.
import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { build } from 'esbuild';
import { beforeAll, describe, expect, test } from 'vitest';
import { install } from '../support/installed.js';
import { otherNode } from '../support/nodes.js';
import { temporaryFolder } from '../support/temporary.js';

interface Ran {
  readonly stdout: string;
  readonly stderr: string;
  readonly status: number | null;
}

const { folder, installed, command } = install({ koffi: true });

function run(node: string, words: readonly string[], cwd = folder, env: NodeJS.ProcessEnv = {}): Ran {
  const { stdout, stderr, status } = spawnSync(node, words, {
    cwd,
    env: { PATH: process.env.PATH, ...env },
    encoding: 'utf8',
    timeout: 60_000,
  });
  return { stdout, stderr, status };
}

/** Imports a door, and prints the error that it gives. */
const tryToImport = (door: string) =>
  `import('hwloc-share/${door}').catch(({ code, message }) => console.log(code + ' ' + message))`;

writeFileSync(join(folder, 'plain.mjs'), `console.log('ran');\n`);

// The oldest Node that has modules with import.meta, the one of Debian 12, and the last without process.getBuiltinModule().
describe.each(['12', '18', '21'])('Node %s', (version) => {
  const { node, fetch } = otherNode(version);
  const needed = new RegExp(
    `^hwloc-share: Node 20\\.19 or later is needed \\(22\\.3 or later of Node 22\\), and ${node} is Node ${version}\\.[\\d.]+$`,
  );

  beforeAll(fetch, 300_000);

  test('the command says in one line which Node it needs', () => {
    const { stdout, stderr, status } = run(node, [command, 'true']);
    expect({ stdout, status }).toEqual({ stdout: '', status: 1 });
    expect(stderr.trimEnd()).toMatch(needed);
  });

  test.each(['rank', 'hwloc'])('the import of hwloc-share/%s throws that line', (door) => {
    writeFileSync(join(folder, `${door}.mjs`), tryToImport(door));
    const { stdout, stderr } = run(node, [join(folder, `${door}.mjs`)]);
    expect(stderr.replace(/^\(node:.*\n|^\(Use .*\n/gm, '')).toBe('');
    expect(stdout.trimEnd().replace(/^HWLOC_SHARE_NODE_TOO_OLD /, '')).toMatch(needed);
  });

  test.skipIf(version === '12')('a program that joins by --import runs, with that line', () => {
    const words = ['--import', 'hwloc-share/auto', 'plain.mjs'];
    const { stdout, stderr, status } = run(node, words);
    expect({ stdout, status }).toEqual({ stdout: 'ran\n', status: 0 });
    expect(stderr.trimEnd().replace('; the program runs without a topology', '')).toMatch(needed);
    expect(run(node, words, folder, { HWLOC_SHARE_STRICT: '1' }).status).toBe(1);
  });

  test.skipIf(version === '12')('the use of the topology throws that line', () => {
    writeFileSync(
      join(folder, 'use.mjs'),
      `import topology, { session } from 'hwloc-share/auto';
       for (const use of [() => topology.count('PU'), () => session.rank]) {
         try { use(); } catch ({ code }) { console.log(code); }
       }`,
    );
    expect(run(node, ['use.mjs']).stdout).toBe('HWLOC_SHARE_NODE_TOO_OLD\nHWLOC_SHARE_NODE_TOO_OLD\n');
  });
});

describe('a job that was bundled', () => {
  const elsewhere = temporaryFolder();
  const advice = 'mark it external (esbuild: --external:hwloc-share)';

  beforeAll(() => {
    // What a door would read if it took the bundle's folder for its own.
    for (const place of [elsewhere, join(elsewhere, 'out')]) {
      mkdirSync(place, { recursive: true });
      writeFileSync(join(place, 'core.cjs'), `(function () { console.log('a stray file was run'); })`);
    }
  });

  async function bundle(
    text: string,
    outfile: string,
    external: string[] = [],
    define: Record<string, string> = {},
  ): Promise<string> {
    await build({
      define,
      stdin: { contents: text, resolveDir: folder },
      outfile,
      external,
      bundle: true,
      platform: 'node',
      format: outfile.endsWith('.mjs') ? 'esm' : 'cjs',
      logLevel: 'silent',
    });
    return outfile;
  }

  test.each([
    ['rank', 'mjs'],
    ['rank', 'cjs'],
    ['hwloc', 'mjs'],
    ['hwloc', 'cjs'],
  ])('with hwloc-share/%s in it, as .%s, ends with one error that says what to do', async (door, kind) => {
    const text = `import * as door from 'hwloc-share/${door}'; console.log(typeof door);`;
    const file = await bundle(text, join(elsewhere, `out/${door}.${kind}`));
    const { stdout, stderr, status } = run(process.execPath, [file], elsewhere);
    expect({ stdout, status }).toEqual({ stdout: '', status: 1 });
    expect(stderr).toMatch(/^Error: hwloc-share: this package was bundled into another file/m);
    expect(stderr).toContain(advice);
    expect(stderr).toContain(`code: 'HWLOC_SHARE_BUNDLED'`);
  });

  test('with the address of our file in it, as webpack puts it there, ends with that error', async () => {
    const address = pathToFileURL(join(installed, 'dist/bundle/rank/index.mjs')).href;
    const text = `import { join } from 'hwloc-share/rank'; console.log(typeof join);`;
    const file = join(elsewhere, 'out/webpack.mjs');
    await bundle(text, file, [], { 'import.meta.url': JSON.stringify(address) });
    const { stdout, stderr, status } = run(process.execPath, [file], elsewhere);
    expect({ stdout, status }).toEqual({ stdout: '', status: 1 });
    expect(stderr).toContain(`code: 'HWLOC_SHARE_BUNDLED'`);
  });

  test('with hwloc-share/auto in it runs, and says so in one line', async () => {
    const file = await bundle(
      `import 'hwloc-share/auto'; console.log('ran');`,
      join(elsewhere, 'out/auto.mjs'),
    );
    const { stdout, stderr } = run(process.execPath, [file], elsewhere);
    expect(stdout).toBe('ran\n');
    expect(stderr.trimEnd().split('\n')).toEqual([expect.stringContaining(advice)]);
  });

  test.each(['mjs', 'cjs'])('with us as an external package joins, as .%s', async (kind) => {
    const text = `import { join } from 'hwloc-share/rank'; join().then((session) => console.log(session.topology.count('Machine')));`;
    const file = await bundle(text, join(folder, `out/job.${kind}`), ['hwloc-share']);
    expect(run(process.execPath, [file])).toMatchObject({ stdout: '1\n', status: 0 });
  });
});

test('a program that joins by --import runs where a file of the package is missing, and where stderr is closed', () => {
  const { folder: place, installed: broken } = install({ koffi: true });
  rmSync(join(broken, 'dist/bundle/core.cjs'));
  writeFileSync(join(place, 'plain.mjs'), `console.log('ran');\n`);
  const words = ['--import', 'hwloc-share/auto', 'plain.mjs'];
  const { stdout, stderr, status } = run(process.execPath, words, place);
  expect({ stdout, status }).toEqual({ stdout: 'ran\n', status: 0 });
  expect(stderr).toMatch(/^hwloc-share: ENOENT: .*core\.cjs.*; the program runs without a topology\n$/);
  const closed = run('sh', ['-c', 'exec "$@" 2>&-', 'sh', process.execPath, ...words], place);
  expect(closed).toMatchObject({ stdout: 'ran\n', status: 0 });
});

test('the package works in a folder whose name has spaces, signs and letters that an address escapes', () => {
  const place = join(temporaryFolder(), 'a b#c?d%20é');
  cpSync(folder, place, { recursive: true, verbatimSymlinks: true });
  writeFileSync(
    join(place, 'job.mjs'),
    `import { join } from 'hwloc-share/rank'; console.log((await join()).topology.count('Machine'));`,
  );
  expect(run(process.execPath, ['job.mjs'], place)).toMatchObject({ stdout: '1\n', stderr: '', status: 0 });
});

describe('where koffi cannot be loaded', () => {
  const without = install({ koffi: false }).folder;
  writeFileSync(join(without, 'plain.mjs'), `console.log('ran');\n`);

  test.each([
    ['its binary is not installed', without, [], /npm install --include=optional koffi$/],
    ['Node runs with --no-addons', folder, ['--no-addons'], /run node without --no-addons/],
    [
      'Node runs with its permission model',
      folder,
      [permission(), '--allow-fs-read=*'],
      /add --allow-addons/,
    ],
  ])('since %s: a program that joins by --import runs, with one line', (_, place, flags, advice) => {
    const words = [...flags, '--no-warnings', '--import', 'hwloc-share/auto', 'plain.mjs'];
    const { stdout, stderr, status } = run(process.execPath, words, place);
    expect({ stdout, status }).toEqual({ stdout: 'ran\n', status: 0 });
    expect(stderr.trimEnd().split('\n')).toEqual([expect.stringMatching(advice)]);
    expect(stderr).toMatch(/^hwloc-share: no topology: koffi, which calls libhwloc, could not be loaded \(/);
  });

  test('the import of hwloc-share/rank works, and join() rejects', () => {
    writeFileSync(
      join(without, 'job.mjs'),
      `import { join } from 'hwloc-share/rank'; join().catch(({ code }) => console.log(code));`,
    );
    expect(run(process.execPath, ['job.mjs'], without)).toEqual({
      stdout: 'HWLOC_SHARE_KOFFI_NOT_LOADED\n',
      stderr: '',
      status: 0,
    });
  });
});

/** Node 20 and 22 call it experimental. */
function permission(): string {
  return process.allowedNodeEnvironmentFlags.has('--permission')
    ? '--permission'
    : '--experimental-permission';
}
