// The errors of calls into libhwloc or libc, and of loading koffi.

import { HwlocShareError } from '../errors/index.js';

/** What to do about an errno, if the function that failed has no more precise advice. */
const commonAdvice: Record<string, string> = {
  EBUSY: 'something is mapped in the range: choose another address',
  EINVAL: 'an argument is not what the function accepts',
  ENOMEM: 'the process may not map or allocate more: look at ulimit -v and at the free memory',
  ENOSPC: 'the file system is full: free some space or use another directory',
  EDQUOT: 'the disk quota is used up: free some space or use another directory',
  EFBIG: 'the file may not be as long as this: look at ulimit -f',
  EMFILE: 'this process may open no more files: look at ulimit -n',
  ENOENT: 'no such file or directory',
  EACCES: 'permission denied',
  EISDIR: 'it is a directory: name a file',
  ENOTDIR: 'it is not a directory',
  ENOSYS: 'this build of libhwloc, or this system, cannot do it',
};

/**
 * A function of libhwloc or libc failed.
 *
 * `code` is the name of the errno (`'EBUSY'`), `function` the C function, and `advice` what the caller can do; the
 * message holds all three on one line.
 */
export class HwlocError extends HwlocShareError {
  override readonly name = 'HwlocError';
  readonly function: string;

  /** @internal */
  constructor(
    functionName: string,
    code: string,
    advice = commonAdvice[code] ?? 'see the manual of this function',
  ) {
    const reason = `${functionName}: ${code}`;
    super(code, { reason, advice, message: `${reason}: ${advice}` });
    this.function = functionName;
  }
}

/** koffi, which calls libhwloc, could not be loaded; the message says why and what to do. */
export class KoffiNotLoadedError extends HwlocShareError {
  override readonly name = 'KoffiNotLoadedError';

  /**
   * @internal
   * @param cause  What Node said.
   */
  constructor(cause: unknown) {
    const { message, code } = cause as NodeJS.ErrnoException;
    const advice =
      code === 'ERR_DLOPEN_DISABLED'
        ? 'run node without --no-addons (with --permission: add --allow-addons)'
        : 'install it for this platform: npm install --include=optional koffi';
    const why = message.split('\n', 1)[0]?.replace(/\.$/, '') ?? '';
    const reason = `koffi, which calls libhwloc, could not be loaded (${why})`;
    super('HWLOC_SHARE_KOFFI_NOT_LOADED', { reason, advice, cause });
  }
}
