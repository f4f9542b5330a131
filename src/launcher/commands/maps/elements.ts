// Writes the elements of an SVG picture as text.

type Attributes = Readonly<Record<string, string | number | undefined>>;

/** `<name a="1">inside</name>`. Numbers are rounded: a tenth of a pixel is enough. */
export function element(name: string, attributes: Attributes, inside = ''): string {
  const words = Object.entries(attributes).flatMap(([key, value]) =>
    value === undefined ? [] : [`${key}="${typeof value === 'number' ? round(value) : escape(value)}"`],
  );
  const open = [name, ...words].join(' ');
  return inside === '' ? `<${open}/>` : `<${open}>${inside}</${name}>`;
}

/** A rectangle, with a text that a browser shows when the pointer is over it. */
export function rect(
  x: number,
  y: number,
  width: number,
  height: number,
  attributes: Attributes,
  title = '',
): string {
  return element(
    'rect',
    { x, y, width, height, ...attributes },
    title === '' ? '' : element('title', {}, escape(title)),
  );
}

export function line(x1: number, y1: number, x2: number, y2: number, attributes: Attributes): string {
  return element('line', { x1, y1, x2, y2, ...attributes });
}

export function text(x: number, y: number, words: string, attributes: Attributes = {}): string {
  return element('text', { x, y, ...attributes }, escape(words));
}

/** A vertical text that begins at a point and goes upwards. */
export function uprightText(x: number, y: number, words: string, attributes: Attributes = {}): string {
  return element(
    'text',
    { transform: `translate(${round(x)} ${round(y)}) rotate(-90)`, ...attributes },
    escape(words),
  );
}

export function escape(words: string): string {
  return (
    words
      .replaceAll('&', '&amp;')
      .replaceAll('<', '&lt;')
      .replaceAll('>', '&gt;')
      .replaceAll('"', '&quot;')
      // Characters that XML does not allow; a path may contain them.
      .replace(/[^\t\n\r -\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/gu, '?')
  );
}

function round(value: number): string {
  return String(Math.round(value * 10) / 10);
}
