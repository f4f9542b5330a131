// Makes the code cache of core.cjs for the Node that runs this, unless it is there. It joins, so that the cache has what a join needs.
// The build runs it, and `hwloc-share doctor`, for an installation that was built with another Node. It prints `there` or `made`.

import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Script } from 'node:vm';
import { cacheFile } from './cache-file.js';

const folder = import.meta.dirname;
const ranks = [0, 1];
const limitMilliseconds = 60_000;

/** Whether this Node accepts what is there. */
function isThere() {
  try {
    const cachedData = readFileSync(join(folder, cacheFile));
    return !new Script(readFileSync(join(folder, 'core.cjs'), 'latin1'), { cachedData }).cachedDataRejected;
  } catch {
    return false;
  }
}

/** Runs two ranks of this file. */
async function makeCache() {
  const unfinished = join(folder, `.${cacheFile}-${process.pid}`);
  // First, to find out whether this folder can be written to.
  writeFileSync(unfinished, '');
  const channels = mkdtempSync(join(tmpdir(), 'hwloc-share-cache-'));
  const env = { ...process.env, HWLOC_SHARE_DIR: channels, HWLOC_SHARE_STRICT: '1' };
  try {
    const statuses = await Promise.all(ranks.map((rank) => statusOf([String(rank), unfinished], env)));
    if (statuses.some((status) => status !== 0)) throw new Error('two ranks could not share');
    renameSync(unfinished, join(folder, cacheFile));
  } finally {
    rmSync(channels, { recursive: true, force: true });
    rmSync(unfinished, { force: true });
  }
}

function statusOf(words, env) {
  const child = spawn(process.execPath, [import.meta.filename, ...words], {
    env,
    stdio: 'ignore',
    timeout: limitMilliseconds,
  });
  return new Promise((resolve, reject) => {
    child.on('error', reject).on('exit', resolve);
  });
}

/** Joins as a member and as the leader, one after the other: what both need is in the same cache. */
async function joinTwice(rank, file) {
  const door = await import('./rank/index.mjs');
  for (const round of ranks) {
    const localRank = String(rank ^ round);
    delete process.env.HWLOC_SHARE_JOINED;
    Object.assign(process.env, {
      HWLOC_SHARE_JOB: `cache-${process.ppid}-${round}`,
      HWLOC_SHARE_RANK: localRank,
      HWLOC_SHARE_SIZE: String(ranks.length),
      HWLOC_SHARE_LOCAL_RANK: localRank,
      HWLOC_SHARE_LOCAL_SIZE: String(ranks.length),
    });
    const session = await door.join();
    for (const object of session.topology) void object.cpuset?.size;
    await session.barrier();
    await session.close();
  }
  const { script } = globalThis[Symbol.for(`hwloc-share:${folder}`)];
  if (rank === 0) writeFileSync(file, script.createCachedData());
}

const [rank, file] = process.argv.slice(2);
if (rank !== undefined) await joinTwice(Number(rank), file);
else if (isThere()) process.stdout.write('there\n');
else {
  try {
    await makeCache();
    process.stdout.write('made\n');
  } catch (error) {
    process.stderr.write(`${error.message}\n`);
    process.exitCode = 1;
  }
}
