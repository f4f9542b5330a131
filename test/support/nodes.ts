// Other versions of Node, from npm: the package node-linux-ARCH is the binary that nodejs.org has.
import { spawnSync } from 'node:child_process';
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { temporaryFolder } from './temporary.js';

/** Where a Node of this version will be, and what puts it there, in some seconds. */
export function otherNode(version: string): { node: string; fetch: () => void } {
  const folder = temporaryFolder();
  const name = `node-linux-${process.arch}`;
  const node = join(folder, 'node_modules', name, 'bin/node');
  const fetch = () => {
    writeFileSync(join(folder, 'package.json'), '{}');
    const words = ['install', '--no-audit', '--no-fund', '--ignore-scripts', '--prefer-offline'];
    const { stderr } = spawnSync('npm', [...words, `${name}@${version}`], { cwd: folder, encoding: 'utf8' });
    if (!existsSync(node)) throw new Error(`npm has no Node ${version} for this machine: ${stderr}`);
  };
  return { node, fetch };
}
