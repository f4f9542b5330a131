// One rank of a job that is measured: reports that it is ready, waits to be released, gets its topology, tells what that cost.
// Arguments: share, load, hand or import; the module to import; the folder of the gates (bench/jobs/gates.ts); `memory` to look at that, too.
import { closeSync, openSync, readFileSync, readSync, writeFileSync, writeSync } from 'node:fs';
import process from 'node:process';

const [how, module, folder, measures] = process.argv.slice(2);
const rank = Number(process.env.OMPI_COMM_WORLD_RANK ?? process.env.HWLOC_SHARE_RANK ?? 0);

const { prepare, join, loadTopology } = await import(module);
prepare?.(folder);
const gates = {};
for (const step of measures === 'memory' ? ['join', 'walk', 'tell'] : ['join', 'tell']) {
  gates[step] = { go: openSync(`${folder}/go.${step}`, 'r'), done: openSync(`${folder}/done.${step}`, 'w') };
}
const before = measures === 'memory' ? usageOf('smaps_rollup') : undefined;
const cpuReady = cpu();
const ready = openSync(`${folder}/ready`, 'w');
writeSync(ready, 'r');
closeSync(ready);

waitAt('join');
const cpuCalled = cpu();
const called = process.hrtime.bigint();
const got = how === 'import' ? undefined : await get();
const now = process.hrtime.bigint();
const cpuJoin = cpu() - cpuCalled;
pass('join');

const isShared = how === 'share' || how === 'hand';
const topology = isShared ? got.topology : got;
let after;
if (measures === 'memory') {
  // Before the walk, which fills the heap of JavaScript: a private copy is all there already.
  after = usageOf('smaps_rollup');
  waitAt('walk');
  let sum = 0;
  for (const object of topology)
    sum += object.logicalIndex + object.infos.length + (object.cpuset?.size ?? 0);
  if (Number.isNaN(sum)) throw new Error('a walk without sense');
  pass('walk');
}
waitAt('tell');
const outcome = isShared ? got.outcome : { how: 'discovered', phases: {} };
const mapping =
  measures === 'memory' && outcome.address !== undefined ? usageOf('smaps', outcome.address) : undefined;
await got?.close();

process.on('exit', () => {
  const memory = before && {
    before: before.private,
    grown: after.private - before.private,
    mappingPss: mapping?.pss ?? 0,
    mappingPrivate: mapping?.private ?? 0,
  };
  const result = {
    rank,
    how: outcome.how,
    reason: outcome.reason,
    called: String(called),
    got: String(now),
    cpuReady,
    cpuJoin,
    cpuAll: cpu(),
    phases: outcome.phases,
    memory,
  };
  writeFileSync(`${folder}/rank.${rank}.json`, JSON.stringify(result));
});

function get() {
  if (how === 'hand') return join(folder);
  return how === 'share' ? join() : loadTopology();
}

/** Sleeps in a blocking read until the harness closes its end. */
function waitAt(step) {
  readSync(gates[step].go, Buffer.alloc(1));
}

/** The harness wakes when the last rank has closed its end. */
function pass(step) {
  closeSync(gates[step].done);
}

/** Microseconds of user and system time, all threads. */
function cpu() {
  const { user, system } = process.cpuUsage();
  return user + system;
}

/** KiB of the process, or of the mapping at an address. */
function usageOf(file, address) {
  const text = readFileSync(`/proc/self/${file}`, 'utf8');
  const parts = address === undefined ? [text] : text.split(/^(?=[0-9a-f]+-[0-9a-f]+ )/m);
  const part =
    parts.find((each) => address === undefined || each.startsWith(`${address.toString(16)}-`)) ?? '';
  const kib = (name) => Number(new RegExp(`^${name}:\\s*(\\d+) kB`, 'm').exec(part)?.[1] ?? 0);
  return { pss: kib('Pss'), private: kib('Private_Dirty') + kib('Private_Clean') };
}
