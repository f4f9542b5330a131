// What is being done now, on stderr: one line that is written over on a terminal, else a line whenever something new begins.

const { stderr } = process;
let last = '';

/** @param what  What is being measured. @param detail  How far it is; on a terminal only. */
export function progress(what: string, detail = ''): void {
  if (stderr.isTTY) stderr.write(`\r\x1b[K${what} ${detail}`.slice(0, stderr.columns + 4));
  else if (what !== last) stderr.write(`${what}\n`);
  last = what;
}

/** Clears the line, before something else is printed. */
export function progressEnds(): void {
  if (stderr.isTTY && last !== '') stderr.write('\r\x1b[K');
  last = '';
}
