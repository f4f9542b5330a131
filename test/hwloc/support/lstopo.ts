// What lstopo says of a machine, as XML that an XML library reads: the second opinion on the object model.

import { execFileSync } from 'node:child_process';
import { XMLParser } from 'fast-xml-parser';

/** An element: its attributes as text, and its children by name. */
export interface Element {
  readonly attributes: Readonly<Record<string, string | undefined>>;
  readonly text: string;
  all(name: string): readonly Element[];
}

const parser = new XMLParser({
  ignoreAttributes: false,
  attributesGroupName: 'attributes',
  attributeNamePrefix: '',
  parseAttributeValue: false,
  parseTagValue: false,
  trimValues: false,
  processEntities: true,
  alwaysCreateTextNode: true,
  isArray: (_name, _path, _isLeaf, isAttribute) => !isAttribute,
});

/** The `<topology>` element of `lstopo --of xml`. */
export function lstopo(environment: Record<string, string>): Element {
  const xml = execFileSync('lstopo', ['--of', 'xml', '-'], {
    env: { ...process.env, ...environment },
    maxBuffer: 1 << 28,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  const [topology] = wrap(parser.parse(xml) as unknown).all('topology');
  if (topology === undefined) throw new Error('lstopo has written no topology');
  return topology;
}

function wrap(node: unknown): Element {
  const record = (typeof node === 'object' && node !== null ? node : {}) as Record<string, unknown>;
  return {
    attributes: (record.attributes ?? {}) as Record<string, string>,
    text: typeof node === 'string' ? node : typeof record['#text'] === 'string' ? record['#text'] : '',
    all: (name) => (Array.isArray(record[name]) ? record[name].map(wrap) : []),
  };
}

/** The object below an element and all below it, in the order of the file. */
export function* walk(element: Element): Generator<Element, void, undefined> {
  for (const child of element.all('object')) {
    yield child;
    yield* walk(child);
  }
}
