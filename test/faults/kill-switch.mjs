// The kill switch: a preload (`node --import kill-switch.mjs job.mjs`) that does something at a named point of a join, in a rank.
//
// FAULTS is a JSON list of { rank, point, act, to }. What is done (`act`): `kill`, `exit`, `stop` (SIGSTOP), `terminate` (SIGTERM),
// `interrupt` (SIGINT), `take` (map all that is free of the window in which plans are made), `starve` (no more room: RLIMIT_AS), `cancel`
// (scancel of this job step), `refuse` (no room for a large topology until the next point).
// To whom (`to`): this `rank` (the default), the `wrapper`, or the `launcher`; to these when they have started every rank. FAULTS_LOG is a
// file that gets a line of JSON for each that was done: { rank, point, act, to, pid, at }; FAULTS_LOG.started a byte for each rank.
import { spawnSync } from 'node:child_process';
import { appendFileSync, readFileSync, readdirSync, statSync } from 'node:fs';
import { isMainThread } from 'node:worker_threads';
import koffi from 'koffi';

const { FAULTS = '[]', FAULTS_LOG, TEST_JOB_MARKER } = process.env;
const { HWLOC_SHARE_RANK, OMPI_COMM_WORLD_RANK, PMI_RANK, SLURM_PROCID } = process.env;
const { HWLOC_SHARE_SIZE, OMPI_COMM_WORLD_SIZE, PMI_SIZE, SLURM_NTASKS } = process.env;
const rank = HWLOC_SHARE_RANK ?? OMPI_COMM_WORLD_RANK ?? PMI_RANK ?? SLURM_PROCID;
const size = HWLOC_SHARE_SIZE ?? OMPI_COMM_WORLD_SIZE ?? PMI_SIZE ?? SLURM_NTASKS;
const started = `${FAULTS_LOG}.started`;
if (FAULTS_LOG !== undefined && isMainThread) appendFileSync(started, '.');

const signals = { kill: 'SIGKILL', stop: 'SIGSTOP', terminate: 'SIGTERM', interrupt: 'SIGINT' };

const faults = JSON.parse(FAULTS).filter((fault) => String(fault.rank) === rank);
// Declared before the point is reached, so that the fault itself takes no time.
const libc = koffi.load(null);
const mmap = libc.func('intptr_t mmap(uintptr_t, size_t, int, int, int, int64_t)');
const setrlimit = libc.func('int setrlimit(int, const uint64_t *)');
if (faults.length > 0) (globalThis[Symbol.for('hwloc-share.points')] ??= new Set()).add(reached);

function reached(point) {
  relieve();
  for (const fault of faults.filter((each) => each.point === point)) {
    faults.splice(faults.indexOf(fault), 1);
    const pid = victim(fault.to ?? 'rank');
    // Two faults may be meant for the same one.
    if (pid === undefined) continue;
    const { act, to } = fault;
    appendFileSync(
      FAULTS_LOG,
      `${JSON.stringify({ rank: Number(rank), point, act, to, pid, at: Date.now() })}\n`,
    );
    if (act === 'exit') process.exit(0);
    else if (act === 'take') take();
    else if (act === 'starve') starve();
    else if (act === 'refuse') refuse();
    else if (act === 'cancel') cancel();
    else process.kill(pid, signals[act]);
  }
}

/** Who is meant; undefined if it has died. */
function victim(to) {
  if (to === 'rank') return process.pid;
  // What dies before it has started every rank leaves some that never come, which is another fault, and of the moment only.
  while (statSync(started).size < Number(size))
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1);
  const isMeant = (pid) => is(to, pid);
  // Slurm's ranks descend from its daemon. srun has a child of its own name, which looks after what becomes of it.
  return ancestors().find(isMeant) ?? relatives().find((pid) => isMeant(pid) && !isMeant(parentOf(pid)));
}

function is(to, pid) {
  const words = contentOf(`/proc/${pid}/cmdline`).split('\0');
  if (to === 'wrapper') return words.some((word) => word.endsWith('launcher/bin.cjs'));
  // From version 5 on, Open MPI's mpirun becomes prterun.
  return /(mpirun|mpiexec|prterun|srun)[^/]*$/.test(words[0]);
}

function ancestors() {
  const found = [];
  for (let pid = process.ppid; pid > 1; pid = parentOf(pid)) found.push(pid);
  return found;
}

/** The processes of the same job. */
function relatives() {
  const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  const mark = `TEST_JOB_MARKER=${TEST_JOB_MARKER}`;
  return pids.filter((pid) => contentOf(`/proc/${pid}/environ`).split('\0').includes(mark)).map(Number);
}

function parentOf(pid) {
  return Number(/^PPid:\s*(\d+)$/m.exec(contentOf(`/proc/${pid}/status`))?.[1] ?? 0);
}

function contentOf(file) {
  try {
    return readFileSync(file, 'latin1');
  } catch {
    return ''; // it has ended
  }
}

function take() {
  const [start, end] = [0x4000_0000_0000, 0x5400_0000_0000];
  let free = start;
  const taken = readFileSync('/proc/self/maps', 'latin1')
    .split('\n')
    .map((line) => line.split(/[- ]/, 2).map((word) => parseInt(word, 16)))
    .filter(([from, to]) => to > start && from < end);
  for (const [from, to] of [...taken, [end, end]]) {
    const PRIVATE_ANONYMOUS_NORESERVE_FIXED_NOREPLACE = 0x02 | 0x20 | 0x4000 | 0x100000;
    if (from > free) mmap(free, from - free, 0, PRIVATE_ANONYMOUS_NORESERVE_FIXED_NOREPLACE, -1, 0);
    free = to;
  }
}

function cancel() {
  const { SLURM_JOB_ID, SLURM_STEP_ID } = process.env;
  spawnSync('scancel', [`${SLURM_JOB_ID}.${SLURM_STEP_ID}`]);
}

const RLIMIT_AS = 9;
let isRefusing = false;

function refuse() {
  isRefusing = true;
  // Node itself ends without some room; a large topology takes more (largeMachine in bench.ts).
  limitTo(addressSpace() + 1024 * 1024);
}

function relieve() {
  if (isRefusing) setrlimit(RLIMIT_AS, [-1, -1]);
  isRefusing = false;
}

function starve() {
  limitTo(addressSpace() + 4096);
}

function addressSpace() {
  return Number(readFileSync('/proc/self/statm', 'latin1').split(' ')[0]) * 4096;
}

function limitTo(bytes) {
  setrlimit(RLIMIT_AS, [bytes, -1]);
}
