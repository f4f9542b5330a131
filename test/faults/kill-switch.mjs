// The kill switch: a preload (`node --import kill-switch.mjs job.mjs`) that does something at a named point of a join, in a rank.
//
// FAULTS is a JSON list of { rank, point, act, to }. What is done (`act`): `kill`, `exit`, `stop` (SIGSTOP), `terminate` (SIGTERM),
// `interrupt` (SIGINT), `take` (map all that is free of the window in which plans are made), `starve` (no more room: RLIMIT_AS).
// To whom (`to`): this `rank` (the default), the `wrapper`, or the `launcher`. FAULTS_LOG is a file that gets a line of JSON for each
// that was done: { rank, point, act, to, pid, at }.
import { subscribe } from 'node:diagnostics_channel';
import { appendFileSync, readFileSync } from 'node:fs';
import koffi from 'koffi';

const {
  FAULTS = '[]',
  FAULTS_LOG,
  HWLOC_SHARE_RANK,
  OMPI_COMM_WORLD_RANK,
  PMI_RANK,
  SLURM_PROCID,
} = process.env;
const rank = HWLOC_SHARE_RANK ?? OMPI_COMM_WORLD_RANK ?? PMI_RANK ?? SLURM_PROCID;
const signals = { kill: 'SIGKILL', stop: 'SIGSTOP', terminate: 'SIGTERM', interrupt: 'SIGINT' };

const faults = JSON.parse(FAULTS).filter((fault) => String(fault.rank) === rank);
// Declared before the point is reached, so that the fault itself takes no time.
const libc = koffi.load(null);
const mmap = libc.func('intptr_t mmap(uintptr_t, size_t, int, int, int, int64_t)');
const setrlimit = libc.func('int setrlimit(int, const uint64_t *)');
if (faults.length > 0) subscribe('hwloc-share.point', reached);

function reached(point) {
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
    else process.kill(pid, signals[act]);
  }
}

/** The ancestor that is meant; undefined if it has died. */
function victim(to) {
  if (to === 'rank') return process.pid;
  for (let pid = process.ppid; pid > 1; pid = parentOf(pid)) {
    const words = readFileSync(`/proc/${pid}/cmdline`, 'latin1').split('\0');
    const isWrapper = words.some((word) => word.endsWith('launcher/bin.mjs'));
    if (to === 'wrapper' ? isWrapper : /mpirun|mpiexec|srun/.test(words[0])) return pid;
  }
  return undefined;
}

function parentOf(pid) {
  return Number(/^PPid:\s*(\d+)$/m.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))[1]);
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

function starve() {
  const RLIMIT_AS = 9;
  const pages = Number(readFileSync('/proc/self/statm', 'latin1').split(' ')[0]);
  // Nothing as large as a topology fits any more; what Node itself needs next does.
  setrlimit(RLIMIT_AS, [pages * 4096 + 4096, -1]);
}
