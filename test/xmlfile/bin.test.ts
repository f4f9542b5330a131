// The program that writes the XML file for front.sh, where other jobs look for what dead ones have left.
import { join } from 'node:path';
import { execa } from 'execa';
import { expect, test } from 'vitest';
import { ownUid } from '../../src/channel/place/index.js';
import { temporaryFolder } from '../support/temporary.js';
import { distFile } from '../support/wrapper.js';

/** Removes, without a pause, what nobody has locked. */
const sweeper = `
  const { sweep } = await import('${new URL('../../dist/channel/index.js', import.meta.url).href}');
  process.on('SIGTERM', () => process.exit());
  const turn = () => {
    sweep(process.argv[1]);
    setImmediate(turn);
  };
  console.log('sweeping');
  turn();
`;

test('writes the file whatever other jobs remove meanwhile', { timeout: 60_000 }, async () => {
  const root = join(temporaryFolder(), `hwloc-share-${ownUid()}`);
  const sweepers = Array.from({ length: 2 }, () =>
    execa(process.execPath, ['--input-type=module', '--eval', sweeper, root], { reject: false }),
  );
  await Promise.all(sweepers.map(({ stdout }) => new Promise((resolve) => stdout.once('data', resolve))));
  const env = { HWLOC_SYNTHETIC: 'core:2 pu:1', HWLOC_SHARE_DIR: join(root, '..') };
  for (let count = 0; count < 12; count++) {
    const directory = join(root, `job-${count}.xmlfile-1@here`);
    const writer = execa(process.execPath, [distFile('bundle/xmlfile/bin.mjs'), directory, 'lock'], {
      env,
      reject: false,
    });
    const { exitCode, stderr } = await writer;
    expect({ count, exitCode, stderr }).toEqual({ count, exitCode: 0, stderr: '' });
  }
  for (const each of sweepers) each.kill();
  await Promise.all(sweepers);
});
