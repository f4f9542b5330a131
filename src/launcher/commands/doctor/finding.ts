// What the doctor finds: one sentence each, how grave it is, and the command that mends it.

/** `ok`; `warning`: sharing works, but not always, not for all, or not as fast; `problem`: it does not work. */
export type Level = 'ok' | 'warning' | 'problem';

export interface Finding {
  /** What it is about, in a word that stays the same: for scripts. */
  readonly subject: string;
  readonly level: Level;
  /** One sentence without a full stop. */
  readonly text: string;
  /** A command for a shell that mends it, or adds what is missing. */
  readonly mend?: string;
  /** The same in numbers and names, for scripts. */
  readonly facts?: Readonly<Record<string, unknown>>;
}
