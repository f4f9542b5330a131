// Text as roff has it, with the macros of man(7).

/** Text in which nothing is taken for a request or an escape. What may be typed keeps its ASCII characters. */
export function escaped(text: string): string {
  return text
    .replaceAll('\\', '\\e')
    .replaceAll('-', '\\-')
    .replaceAll("'", '\\(aq')
    .replaceAll('`', '\\(ga')
    .replaceAll('^', '\\(ha')
    .replaceAll('~', '\\(ti')
    .replace(/^\./, '\\&.');
}

export function bold(text: string): string {
  return `\\fB${escaped(text)}\\fR`;
}

export function italic(text: string): string {
  return `\\fI${escaped(text)}\\fR`;
}

/** The argument of a macro: one word, whatever is in it. */
function argument(text: string): string {
  return `"${escaped(text).replaceAll('"', '\\(dq')}"`;
}

export function heading(title: string): string {
  return `.SH ${argument(title)}`;
}

export function subheading(title: string): string {
  return `.SS ${argument(title)}`;
}

/** Lines that stand as they are. @param lines  Roff already. */
export function asTyped(lines: readonly string[]): string {
  return ['.nf', ...lines, '.fi'].join('\n');
}

/** A term, and indented below it what is said of it. @param term  Roff already. */
export function tagged(term: string, text: string): string {
  return `.TP\n${term}\n${escaped(text)}`;
}

/** The first paragraph of a section needs no macro; the others do. */
export function paragraphs(texts: readonly string[]): string {
  return texts.map(escaped).join('\n.PP\n');
}
