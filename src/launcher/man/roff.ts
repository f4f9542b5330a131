// Formats text as roff, with the macros of man(7).

/** Escapes text, so that nothing in it is a request or an escape. Characters that users type stay ASCII. */
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

/** Formats any text as one argument of a macro. */
function argument(text: string): string {
  return `"${escaped(text).replaceAll('"', '\\(dq')}"`;
}

export function heading(title: string): string {
  return `.SH ${argument(title)}`;
}

export function subheading(title: string): string {
  return `.SS ${argument(title)}`;
}

/** Lines that are printed as they are. @param lines  Roff already. */
export function asTyped(lines: readonly string[]): string {
  return ['.nf', ...lines, '.fi'].join('\n');
}

/** A term, with its description indented below. @param term  Roff already. */
export function tagged(term: string, text: string): string {
  return `.TP\n${term}\n${escaped(text)}`;
}

/** Paragraphs of a section. Only the first needs no macro. */
export function paragraphs(texts: readonly string[]): string {
  return texts.map(escaped).join('\n.PP\n');
}
