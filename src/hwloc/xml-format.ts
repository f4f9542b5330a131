// Says why libhwloc cannot read some XML: the format of the XML, and the formats that this libhwloc reads.

import { closeSync, openSync, readSync, statSync } from 'node:fs';
import { libhwloc, versionText } from './ffi/library.js';

/** The formats that a libhwloc reads, by number: 2.0 to 2.9 read 1 and 2, later 2.x 1 to 3, and 3.x 2 and 3. */
function formatsOf(apiVersion: number): { readonly oldest: number; readonly newest: number } {
  return { oldest: apiVersion < 0x30000 ? 1 : 2, newest: apiVersion < 0x20a00 ? 2 : 3 };
}

/**
 * Says what is wrong with XML that libhwloc has refused.
 *
 * @param xml  Its first characters are enough. XML of format 1 does not state its version.
 */
export function whyUnreadable(xml: string): string {
  const tag = /<topology\b[^>]*>/.exec(xml)?.[0];
  if (tag === undefined) return 'this is not XML of hwloc: it has no <topology>';
  const format = /\bversion="([^"]*)"/.exec(tag)?.[1] ?? '1';
  const { apiVersion } = libhwloc();
  const { oldest, newest } = formatsOf(apiVersion);
  const number = parseInt(format, 10);
  if (number >= oldest && number <= newest) {
    // Without libxml2 (Debian: libhwloc-plugins), libhwloc reads XML only in the form that it writes itself:
    // no comments, for example.
    return 'this XML is damaged, not complete, or was changed by hand; HWLOC_XML_VERBOSE=1 says more';
  }
  return (
    `this XML is in format ${format}, and libhwloc ${versionText(apiVersion)} reads formats ${oldest} to ${newest} only: ` +
    'write it in format 2 (hwloc 2 does; with hwloc 3: lstopo --export-xml-flags v2 FILE.xml), ' +
    'or name another libhwloc in HWLOC_SHARE_LIBHWLOC'
  );
}

/** Like {@link whyUnreadable}, for a file; undefined if the file cannot be read a second time. */
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
