// Writing a report into a pipe: however slow the reader is, all arrives; and one that has stopped holds nobody up.
import { execFileSync, spawn } from 'node:child_process';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { checkOutput, writeOutput } from '../../../src/launcher/report/outputs.js';
import { temporaryFolder } from '../../support/temporary.js';

/** More than a pipe holds, in pieces. */
const pieces = Array.from({ length: 300 }, (_, i) => `${i} `.repeat(300));

/** Writes into a FIFO that a shell reads from; what it has read. */
async function read(script: string): Promise<string> {
  const fifo = join(temporaryFolder(), 'fifo');
  execFileSync('mkfifo', [fifo]);
  const shell = spawn('sh', ['-c', script, fifo], { stdio: ['ignore', 'pipe', 'inherit'] });
  let got = '';
  shell.stdout.on('data', (chunk: Buffer) => (got += chunk.toString()));
  const ended = new Promise((resolve) => shell.on('close', resolve));
  try {
    for (let tries = 0; ; tries++) {
      try {
        await writeOutput(checkOutput('--report', fifo), 'h-1-2', pieces);
        break;
      } catch (error) {
        // The shell may not have opened it yet.
        if (tries === 500 || (error as { code?: string }).code !== 'ENXIO') throw error;
        await sleep(10);
      }
    }
    await ended;
    return got;
  } finally {
    shell.kill();
  }
}

describe.concurrent('a FIFO', () => {
  test('whose reader is slow gets all of it', async () => {
    expect(await read('exec <$0; sleep 1; cat')).toBe(pieces.join(''));
  });

  test('whose reader has stopped is given up after a while', async () => {
    await expect(read('exec <$0; exec sleep 20')).rejects.toThrow('nobody has read from it for 5 s');
  });

  test('whose reader has gone is an error', async () => {
    await expect(read('exec <$0; head -c 10 >/dev/null')).rejects.toThrow(/EPIPE/);
  });
});
