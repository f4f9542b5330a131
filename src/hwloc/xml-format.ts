// Why libhwloc cannot read some XML: in which format it is, and which ones this libhwloc reads.

import { closeSync, openSync, readSync, statSync } from 'node:fs';
import { libhwloc, versionText } from './ffi/library.js';

/**
 * Says what is wrong with XML that libhwloc has refused.
 *
 * hwloc 2 reads formats 1 and 2, hwloc 3 reads formats 2 and 3. Format 1 has no version in its text.
 *
 * @param xml  Its first characters are enough.
 */
export function whyUnreadable(xml: string): string {
  const tag = /<topology\b[^>]*>/.exec(xml)?.[0];
  if (tag === undefined) return 'this is not XML of hwloc: it has no <topology>';
  const format = /\bversion="([^"]*)"/.exec(tag)?.[1] ?? '1';
  const { apiVersion } = libhwloc();
  const own = apiVersion >> 16;
  const major = parseInt(format, 10);
  if (major === own || major === own - 1) return 'this XML of hwloc is damaged or not complete';
  const remedy =
    major > own
      ? `write it for hwloc ${own} (in hwloc ${major}: lstopo --export-xml-flags v${own} FILE.xml)`
      : `write it again with hwloc ${own - 1} or ${own}`;
  return (
    `this XML is in format ${format}, and libhwloc ${versionText(apiVersion)} reads formats ${own - 1} and ${own} only: ` +
    `${remedy}, or name another libhwloc in HWLOC_SHARE_LIBHWLOC`
  );
}

/** The same for a file; undefined for what cannot be looked at a second time. */
export function whyFileUnreadable(path: string): string | undefined {
  try {
    if (!statSync(path).isFile()) return undefined;
    const fd = openSync(path, 'r');
    try {
      const bytes = Buffer.alloc(4096);
      return whyUnreadable(bytes.toString('latin1', 0, readSync(fd, bytes)));
    } finally {
      closeSync(fd);
    }
  } catch {
    return undefined;
  }
}
