// doctor caches compiled code for the Node that runs it, where the package has none, and says so.
import { chmodSync, chownSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { beforeAll, expect, test } from 'vitest';
import { install } from '../../support/installed.js';
import { runJob } from '../../support/job.js';
import { otherNode } from '../../support/nodes.js';
import { memoryFolder } from '../../support/temporary.js';

const { installed, command } = install({ koffi: true });
const bundle = join(installed, 'dist/bundle');
const ownCache = join(bundle, `core-${process.version}-${process.arch}.cache`);

interface Finding {
  readonly subject: string;
  readonly level: string;
  readonly text: string;
  readonly facts?: { readonly how: string };
}

async function codeCache(by: readonly string[], file: string): Promise<Finding | undefined> {
  const { stdout } = await runJob([...by, file, 'doctor', '--json'], {
    env: { HWLOC_SHARE_DIR: memoryFolder() },
  });
  const { findings } = JSON.parse(stdout) as { findings: Finding[] };
  return findings.find(({ subject }) => subject === 'code cache');
}

function caches(): string[] {
  return readdirSync(bundle).filter((name) => name.includes('.cache'));
}

test('what this Node cannot use is made anew, and then is there', async () => {
  for (const spoil of [
    () => {
      rmSync(ownCache);
    },
    () => {
      writeFileSync(ownCache, 'nonsense');
    },
  ]) {
    spoil();
    expect(await codeCache([process.execPath], command)).toMatchObject({
      level: 'ok',
      facts: { how: 'made' },
    });
    expect(await codeCache([process.execPath], command)).toMatchObject({
      level: 'ok',
      facts: { how: 'there' },
    });
  }
});

test.skipIf(process.getuid?.() !== 0)(
  'where its folder cannot be written to, doctor warns and all else works',
  async () => {
    const place = install({ koffi: true });
    rmSync(join(place.installed, 'dist/bundle', `core-${process.version}-${process.arch}.cache`));
    chmodSync(place.folder, 0o755);
    const directory = memoryFolder();
    chownSync(directory, 65_534, 65_534);
    const asNobody = ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups', '--', process.execPath];
    const { stdout, exitCode } = await runJob([...asNobody, place.command, 'doctor', '--json'], {
      env: { HWLOC_SHARE_DIR: directory },
    });
    const { findings } = JSON.parse(stdout) as { findings: Finding[] };
    const finding = findings.find(({ subject }) => subject === 'code cache');
    expect(finding).toMatchObject({ level: 'warning', facts: { how: 'missing' } });
    expect(finding?.text).toContain(`EACCES`);
    expect(finding?.text).toContain(`a user who can write to ${dirname(join(place.command, '..'))}`);
    expect(exitCode).toBe(0);
  },
);

const { node, fetch } = otherNode('24');
beforeAll(fetch, 300_000);

test('another Node gets a cache of its own, and leaves the first alone', async () => {
  const before = caches();
  const finding = await codeCache([node], command);
  expect(finding).toMatchObject({ level: 'ok', facts: { how: 'made' } });
  expect(finding?.text).toMatch(/^compiled code is now cached for Node 24\./);
  expect(caches()).toEqual(expect.arrayContaining(before));
  expect(caches().filter((name) => !before.includes(name))).toEqual([
    expect.stringMatching(/^core-v24\.[\d.]+-\w+\.cache$/),
  ]);
});
