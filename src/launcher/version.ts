// Asking a launcher for its version.

import { execFile } from 'node:child_process';

/** A launcher that takes longer is not worth waiting for: only the other nodes miss our variables. */
const patience = 5000;

/** What a program's --version prints, on both streams; whatever goes wrong, what there is of it. */
export function versionOf(command: string): Promise<string> {
  return new Promise((resolve) => {
    // With Node's own means: importing execa takes as long as Node takes to start.
    const child = execFile(command, ['--version'], { timeout: patience }, (_error, stdout, stderr) => {
      resolve(`${stdout}\n${stderr}`);
    });
    child.stdin?.end();
  });
}
