// `node probe.mjs NAME JSON`: one check of the doctor in its own process, which can be killed if the check
// hangs: libhwloc may wait for a device, and a file system may not answer. Writes each finding at once, as a
// line of JSON.

import { writeSync } from 'node:fs';
import { foundIn } from './channels.js';
import { ownDistribution } from './distribution.js';
import { sharingJobs } from './jobs.js';
import { checkLibrary } from './library.js';
import { checkPlace } from './places.js';

/** A check: it gets its argument, reports findings meanwhile, and returns a result. */
const probes = {
  library: (asked: string | undefined, tell: (value: unknown) => void) =>
    checkLibrary(ownDistribution(), asked ?? undefined, tell),
  place: ({ root, length }: { root: string; length: number }) => checkPlace(root, length),
  jobs: (doctor: number) => sharingJobs(doctor),
  channels: (roots: readonly string[]) => foundIn(roots),
};

export type Probes = typeof probes;

const [, , name = '', argument = ''] = process.argv;

function tell(value: unknown): void {
  writeSync(1, `${JSON.stringify(value)}\n`);
}

const probe = probes[name as keyof Probes] as (argument: unknown, tell: (value: unknown) => void) => unknown;
tell({ result: await probe(JSON.parse(argument), tell) });
