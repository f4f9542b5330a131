// Waiting on the event loop until a descriptor can be read or written, with no stream around it.

import { invoke } from './errno.js';
import { koffi } from './koffi.js';
import { native } from './native.js';
import { isMainThread } from './threads.js';

const POLLIN = 0x01;
const POLLOUT = 0x04;
const POLLERR = 0x08;

/**
 * Whether a descriptor can be read (its end is read, too) or written now. A FIFO that nobody has written to, or opened to do so, cannot be
 * read: it has no end yet.
 *
 * @returns undefined if not; else whether it is broken (the reader of a pipe is gone).
 * @see poll(2)
 */
export function pollNow(fd: number, what: 'readable' | 'writable'): { broken: boolean } | undefined {
  // struct pollfd: int fd; short events; short revents.
  const entry = new Int32Array([fd, 0]);
  const events = new Int16Array(entry.buffer, 4);
  events[0] = what === 'readable' ? POLLIN : POLLOUT;
  if (invoke('poll', () => native('poll')(entry, 1, 0)) === 0) return undefined;
  return { broken: ((events[1] ?? 0) & POLLERR) !== 0 };
}

/** A wait that goes on until it is stopped. */
export interface Watch {
  /** Whether it keeps the process alive. It does until told otherwise. */
  keepAlive(yes: boolean): void;
  /** Ends it; to be called before the descriptor is closed. Further calls do nothing. */
  stop(): void;
}

/**
 * Calls `ready` each time the event loop finds that a descriptor can be read (its end and its errors are read, too) or written,
 * for as long as that is so: whoever does not want to be called again reads, or stops. It may be called when nothing is to be had, too.
 *
 * With libuv's own uv_poll_t, which koffi hands on. A node:net Socket would do the same, and costs a rank 4 ms for the modules that
 * it stands on and 2 ms to make one.
 *
 * @param fd  Non-blocking; a pipe, a FIFO or a socket.
 * @param ready  `broken`: nothing can come of it any more (the reader of a pipe is gone).
 * @throws Error  of libuv: `fd` cannot be waited for (a regular file)
 * @see uv_poll_start()
 */
export const watch: (fd: number, what: 'readable' | 'writable', ready: (broken: boolean) => void) => Watch =
  isMainThread ? watchByEvents : watchByLooking;

type Handle = ReturnType<typeof koffi.node.poll>;

/** Those that are watched now; undefined before the first. */
let handles: Set<Handle> | undefined;

function watchByEvents(fd: number, what: 'readable' | 'writable', ready: (broken: boolean) => void): Watch {
  const watched = (handles ??= watchedUntilExit());
  // The declared type of the callback leaves out its first argument, the status.
  const call = (...[status]: [unknown]) => {
    ready(Number(status) < 0);
  };
  const handle = koffi.node.poll(fd, { readable: what === 'readable', writable: what === 'writable' }, call);
  watched.add(handle);
  return {
    keepAlive(yes) {
      if (!watched.has(handle)) return;
      if (yes) handle.ref();
      else handle.unref();
    },
    stop() {
      if (watched.delete(handle)) handle.close();
    },
  };
}

/** An event while Node takes itself down would be koffi's to report, to an engine that takes no calls any more: it aborts. */
function watchedUntilExit(): Set<Handle> {
  const watched = new Set<Handle>();
  process.on('exit', () => {
    for (const handle of watched) handle.close();
    watched.clear();
  });
  return watched;
}

/** How often a worker thread looks. */
const lookMilliseconds = 10;

/** A worker thread may be taken down with no word to it, and so with no time to end its watches. */
function watchByLooking(fd: number, what: 'readable' | 'writable', ready: (broken: boolean) => void): Watch {
  const timer = setInterval(() => {
    const found = pollNow(fd, what);
    if (found !== undefined) ready(found.broken);
  }, lookMilliseconds);
  return {
    keepAlive(yes) {
      if (yes) timer.ref();
      else timer.unref();
    },
    stop() {
      clearInterval(timer);
    },
  };
}
