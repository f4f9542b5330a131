// Ordinary users may have so much room in pipes, all their processes together (pipe-user-pages-soft); beyond it, a pipe has room for
// two pages instead of sixteen. Done as such a user, one that nobody else is.
import { spawn } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { chownSync, cpSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { findCommand } from '../support/commands.js';
import { rootOnly } from '../support/programs.js';
import { runJob } from '../support/job.js';
import { leftovers } from '../support/leftovers.js';
import { asUser, installForAll, wrapperIn } from '../support/other-user.js';
import { temporaryFolder } from '../support/temporary.js';

const ranks = 8;
const uid = randomInt(600_000, 1_000_000);
const folder = temporaryFolder();
const place = join(folder, 'place');

const usual = 65_536;
const least = 8_192;

interface Told {
  rank: number;
  how: string;
  rooms: number[];
}

/** Runs a job as the user. */
async function run(env: Record<string, string> = {}): Promise<Told[]> {
  const program = [process.execPath, join(folder, 'pipes.mjs')];
  const { stdout, stderr, exitCode } = await runJob(
    [...asUser(uid), ...wrapperIn(folder, 'local', '-n', String(ranks), ...program)],
    {
      cwd: folder,
      env: { HWLOC_SHARE_DIR: place, ...env },
    },
  );
  expect(exitCode, stderr).toBe(0);
  expect(stderr).toBe('');
  expect(leftovers([place])).toEqual([]);
  return stdout
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line) as Told);
}

function expectAllAdopted(told: readonly Told[], room: number): void {
  expect(told.map(({ how }) => how)).toEqual(Array(ranks).fill('adopted'));
  // The leader has it open after its join.
  expect(told.map(({ rooms }) => rooms).filter((rooms) => rooms.length > 0)).toEqual([[room]]);
}

rootOnly('setpriv').describe('an ordinary user', () => {
  beforeAll(() => {
    installForAll(folder);
    for (const name of ['pipes.mjs', 'fill-pipes.mjs']) {
      cpSync(join(import.meta.dirname, 'fixtures', name), join(folder, name));
    }
    mkdirSync(place, { mode: 0o700 });
    chownSync(place, uid, uid);
  });

  test('with room in pipes: all adopt', async () => {
    expectAllAdopted(await run(), usual);
  });

  describe('whose pipes have reached pipe-user-pages-soft', () => {
    const [command, ...words] = asUser(uid);
    let filler: ReturnType<typeof spawn> | undefined;

    beforeAll(async () => {
      const program = join(folder, 'fill-pipes.mjs');
      filler = spawn(findCommand(command) ?? command, [...words, process.execPath, program], {
        stdio: ['pipe', 'pipe', 'inherit'],
      });
      const [line] = (await once(filler.stdout ?? filler, 'data')) as [Buffer];
      expect(Number(line)).toBe(least);
    });

    afterAll(async () => {
      if (filler === undefined) return;
      const end = once(filler, 'exit');
      filler.stdin?.end();
      await end;
    });

    test('all adopt, with the little room that their FIFOs get', async () => {
      expectAllAdopted(await run(), least);
    });

    test('also those whose maps do not fit into it at once', async () => {
      expectAllAdopted(await run({ HOLES: '3000' }), least);
    });
  });
});
