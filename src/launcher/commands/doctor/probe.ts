// `node probe.mjs NAME JSON`: one look of the doctor's in a process of its own, which can be killed if it does not come back: libhwloc may
// wait for a device, and a file system may not answer. It writes what it finds as lines of JSON, each when it is found.

import { writeSync } from 'node:fs';
import { foundIn } from './channels.js';
import { ownDistribution } from './distribution.js';
import { sharingJobs } from './jobs.js';
import { checkLibrary } from './library.js';
import { checkPlace } from './places.js';

/** A look: it gets its argument, tells what it finds on the way, and gives a result. */
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
