// Findings of the doctor: one sentence each, its level, and the command that repairs it. Also prints them.

import type { Paint } from '../text.js';

/**
 * `ok`; `warning`: sharing works, but not always, not for all, or not as fast; `problem`: sharing does not
 * work.
 */
export type Level = 'ok' | 'warning' | 'problem';

export interface Finding {
  /** What the finding is about, as a fixed word for scripts. */
  readonly subject: string;
  readonly level: Level;
  /** One sentence without a full stop. */
  readonly text: string;
  /** A shell command that repairs it, or adds what is missing. */
  readonly mend?: string;
  /** The facts as numbers and names, for scripts. */
  readonly facts?: Readonly<Record<string, unknown>>;
}

const colours = { ok: 'green', warning: 'yellow', problem: 'red' } as const;

/** Wide enough for the longest level. */
const column = 'problem'.length;

/** A finding on one line. The line below has the command that repairs it. */
export function formatFinding({ level, subject, text, mend }: Finding, paint: Paint): string {
  const line = `  ${paint(level.padEnd(column), colours[level])}  ${withSubject(subject, text)}`;
  return mend === undefined ? line : `${line}\n  ${' '.repeat(column)}  ${paint(`$ ${mend}`, 'bold')}`;
}

/** The summary of all findings. */
export function verdict(findings: readonly Finding[], paint: Paint): string {
  const count = (level: Level) => findings.filter((finding) => finding.level === level).length;
  const [problems, warnings] = [count('problem'), count('warning')];
  const counted = [
    ...(problems > 0 ? [`${problems} problem${problems > 1 ? 's' : ''}`] : []),
    ...(warnings > 0 ? [`${warnings} warning${warnings > 1 ? 's' : ''}`] : []),
  ].join(', ');
  const tail = counted === '' ? '' : ` (${counted})`;
  return problems === 0
    ? paint(`Sharing works here${tail}.`, warnings === 0 ? 'green' : 'yellow')
    : paint(`Sharing does not work here${tail}.`, 'red');
}

/** Puts the subject before the sentence, unless the sentence already begins with it. */
function withSubject(subject: string, text: string): string {
  return ['libhwloc', 'koffi', 'node', 'place', 'launcher'].includes(subject) ||
    subject.startsWith('ulimit') ||
    text.startsWith(subject)
    ? text
    : `${subject}: ${text}`;
}
