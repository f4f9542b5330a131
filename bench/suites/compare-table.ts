// One case of compare on the terminal: ratios first.

import { contender } from '../jobs/contenders.js';
import type { Measured } from '../jobs/measured.js';
import { digits, memory, table, time } from '../support/table.js';
import type { CaseResult } from './compare-plots.js';

const own = 'share';

const head = [
  '',
  'tail ÷ (a)',
  'tail',
  'quartiles',
  'makespan',
  'wall',
  'CPU: leader',
  'member',
  'beyond import',
  'private',
  'Pss',
];

/** The case as text. */
export function show(result: CaseResult): string {
  const { input, pus, objects, bytes, ranks, imported, measured } = result;
  const ours = measured.find(({ contender }) => contender === own);
  const title = `${input} (${pus} PUs, ${objects} objects, ${memory(bytes / 1024)} shared), ${ranks} ranks`;
  const rows = measured.filter((each) => each.contender !== 'import').map((each) => row(each, ours));
  return [
    title,
    table([head, ...rows]),
    ...notesOf(measured, ours, imported).map((note) => `  ${note}`),
  ].join('\n');
}

function row(each: Measured, ours: Measured | undefined): string[] {
  const { tail, makespan, wall, cpuLeader, cpuMember, cpuBeyond, memory: weight } = each;
  const orNot = <Value>(value: Value | undefined, show: (value: Value) => string) =>
    value === undefined ? '-' : show(value);
  return [
    contender(each.contender).about + (tail.runs === 1 ? ' [1 run]' : ''),
    orNot(ours, ({ tail: { median } }) => digits(tail.median / median)),
    time(tail.median),
    `${digits(tail.low)}–${digits(tail.high)}`,
    time(makespan.median),
    orNot(wall, ({ median }) => time(median)),
    time(cpuLeader.median),
    orNot(cpuMember, ({ median }) => time(median)),
    orNot(cpuBeyond, ({ median }) => time(median)),
    orNot(weight, ({ mappingPss, mappingPrivate, grown }) => memory(mappingPss > 0 ? mappingPrivate : grown)),
    orNot(weight, ({ mappingPss, grown }) => memory(mappingPss > 0 ? mappingPss : grown)),
  ];
}

function notesOf(
  measured: readonly Measured[],
  ours: Measured | undefined,
  imported: number | undefined,
): string[] {
  const runs = Math.max(...measured.map(({ tail }) => tail.runs));
  const notes = [
    `medians of ${runs} runs; the tail's quartiles in ms; CPU, private memory and Pss of a rank`,
  ];
  if (imported !== undefined) notes.push(`a rank that only imports takes ${time(imported)} of CPU`);
  if (ours !== undefined) {
    notes.push(
      `phases of (a)'s leader: ${phases(ours.leaderPhases)}; of its members: ${phases(ours.memberPhases)}`,
    );
  }
  for (const { contender, strays, hung, failures, said, tail } of measured) {
    if (strays > 0) notes.push(`${contender}: ${strays} ranks got their topology in another way`);
    if (hung > 0) notes.push(`${contender}: mpirun hung at its end in ${hung} of ${tail.runs} runs`);
    if (said !== '') notes.push(`${contender} said: ${said.trim()}`);
    for (const failure of failures) notes.push(`${contender}: a run failed: ${failure}`);
  }
  return notes;
}

function phases(of: Readonly<Record<string, number>>): string {
  return Object.entries(of)
    .map(([name, milliseconds]) => `${name} ${time(milliseconds)}`)
    .join(', ');
}
