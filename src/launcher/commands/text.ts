// Formats numbers for people and words for a shell, and colours text for a terminal.

/** `23.5 GiB`, with a decimal place if there are fewer than three digits before it. */
export function bytes(count: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'];
  const power = count < 1 ? 0 : Math.min(Math.floor(Math.log2(count) / 10), units.length - 1);
  const value = count / 2 ** (10 * power);
  return `${Number.isInteger(value) ? value : value.toFixed(value < 100 ? 1 : 0)} ${units[power] ?? ''}`;
}

/** `1 rank`, `2 ranks`. */
export function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}

/** A text as one word of a command line to copy, quoted if necessary. */
export function shellWord(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}

/** Terminal codes for colours and styles. @see ECMA-48, SGR */
const codes = {
  bold: [1, 22],
  dim: [2, 22],
  red: [31, 39],
  green: [32, 39],
  yellow: [33, 39],
  blue: [34, 39],
  magenta: [35, 39],
  cyan: [36, 39],
  inverse: [7, 27],
} as const;

export type Colour = keyof typeof codes;

/** Colours a text, or returns it unchanged. */
export type Paint = (text: string, ...colours: readonly Colour[]) => string;

/** Colours if stdout is a terminal that supports them, unless NO_COLOR is set (or TERM is dumb). */
export function paintForStdout(): Paint {
  // Node checks NO_COLOR and TERM itself.
  return process.stdout.isTTY && process.stdout.hasColors() ? coloured : plain;
}

export const plain: Paint = (text) => text;

export const coloured: Paint = (text, ...colours) =>
  colours.reduce((inside, colour) => `\u001b[${codes[colour][0]}m${inside}\u001b[${codes[colour][1]}m`, text);
