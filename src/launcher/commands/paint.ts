// Colours, for a terminal only.

/** What a terminal can do to a text. @see ECMA-48, SGR */
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

/** Gives a text a colour, or leaves it as it is. */
export type Paint = (text: string, ...colours: readonly Colour[]) => string;

/** Colours where this process's stdout is a terminal that has them, unless NO_COLOR is set (or TERM is dumb). */
export function paintForStdout(): Paint {
  // Node looks at NO_COLOR and TERM itself.
  return process.stdout.isTTY && process.stdout.hasColors() ? coloured : plain;
}

export const plain: Paint = (text) => text;

export const coloured: Paint = (text, ...colours) =>
  colours.reduce((inside, colour) => `\u001b[${codes[colour][0]}m${inside}\u001b[${codes[colour][1]}m`, text);
