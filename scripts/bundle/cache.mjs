// Makes core.cache, the code cache of core.cjs, for the version of Node that runs this: by joining, so that what a join needs is in it.
// The build puts this file beside core.cjs and runs it; so does the installation of the package, where Node may be another.
import { spawn } from 'node:child_process';
import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';

const folder = import.meta.dirname;
const ranks = [0, 1];
const limitMilliseconds = 60_000;

/** Runs two ranks of this file. Where they cannot join (no libhwloc here), there is no cache, and all else works as well. */
async function makeCache() {
  const channels = mkdtempSync(join(tmpdir(), 'hwloc-share-cache-'));
  const env = { ...process.env, HWLOC_SHARE_DIR: channels, HWLOC_SHARE_STRICT: '1' };
  try {
    const statuses = await Promise.all(ranks.map((rank) => statusOf(String(rank), env)));
    if (statuses.some((status) => status !== 0)) throw new Error('two ranks could not share');
  } finally {
    rmSync(channels, { recursive: true, force: true });
  }
}

function statusOf(rank, env) {
  const child = spawn(process.execPath, [import.meta.filename, 'rank', rank], {
    env,
    stdio: 'ignore',
    timeout: limitMilliseconds,
  });
  return new Promise((resolve, reject) => {
    child.on('error', reject).on('exit', resolve);
  });
}

/** Joins as a member and as the leader, one after the other: what both need is in the same cache. */
async function joinTwice(rank) {
  const door = await import('./rank/index.mjs');
  for (const round of ranks) {
    const localRank = String(rank ^ round);
    delete process.env.HWLOC_SHARE_JOINED;
    Object.assign(process.env, {
      HWLOC_SHARE_JOB: `cache-${process.ppid}-${round}`,
      HWLOC_SHARE_KEEPER: String(process.ppid),
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
  if (rank === 0) save();
}

function save() {
  const { script } = globalThis[Symbol.for(`hwloc-share:${folder}`)];
  const unfinished = join(folder, `.core.cache-${process.pid}`);
  writeFileSync(unfinished, script.createCachedData());
  renameSync(unfinished, join(folder, 'core.cache'));
}

if (process.argv[2] === 'rank') await joinTwice(Number(process.argv[3]));
else {
  await makeCache().catch((error) => {
    process.stderr.write(
      `hwloc-share: no code cache, so that each rank starts some ms later: ${error.message}\n`,
    );
  });
}
