// What libhwloc itself says on stderr.

/** The text without the lines in which libhwloc, from 2.15 on, says itself what it could not read or discover. */
export function withoutHwlocErrors(stderr: string): string {
  return stderr.replace(/^hwloc(\/\w+)?: .*\n/gm, '');
}
