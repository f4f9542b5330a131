// Waits on the event loop until a descriptor can be read or written, without a stream around the descriptor.

import { invoke } from './errno.js';
import { koffi } from './koffi.js';
import { native } from './native.js';
import { isMainThread } from './threads.js';

const POLLIN = 0x01;
const POLLOUT = 0x04;
const POLLERR = 0x08;

/**
 * Whether a descriptor can be read (this includes its end) or written now. A FIFO that nobody has opened for
 * writing cannot be read: it has no end yet.
 *
 * @returns undefined if not. `broken`: the reader of a pipe is gone.
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

/** A wait that continues until it is stopped. */
export interface Watch {
  /** Whether the wait keeps the process alive. Default: true. */
  keepAlive(yes: boolean): void;
  /** Ends the wait. Call this before closing the descriptor. Further calls do nothing. */
  stop(): void;
}

/**
 * Calls `ready` each time the event loop finds that a descriptor can be read (this includes its end and its
 * errors) or written. It calls again as long as this is so, until the caller reads or stops. `ready` may also
 * be called when there is nothing to read.
 *
 * Stands on libuv's own uv_poll_t, which koffi exposes. A node:net Socket would do the same, but takes a rank
 * 4 ms to load its modules and 2 ms to make one.
 *
 * @param fd  Non-blocking; a pipe, a FIFO or a socket.
 * @param ready  `broken`: no more events will come (the reader of a pipe is gone).
 * @throws Error  of libuv: `fd` cannot be waited for (a regular file)
 * @see uv_poll_start()
 */
export const watch: (fd: number, what: 'readable' | 'writable', ready: (broken: boolean) => void) => Watch =
  isMainThread ? watchByEvents : watchByLooking;

type Handle = ReturnType<typeof koffi.node.poll>;

/** The active watches; undefined before the first. */
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

/**
 * Stops all watches when the process exits. If an event came while Node shuts down, koffi would call into an
 * engine that takes no calls any more, and abort the process.
 */
function watchedUntilExit(): Set<Handle> {
  const watched = new Set<Handle>();
  process.on('exit', () => {
    for (const handle of watched) handle.close();
    watched.clear();
  });
  return watched;
}

/** How often a worker thread polls. */
const lookMilliseconds = 10;

/**
 * Polls with a timer. A worker thread can be terminated without notice, and then could not end its watches.
 */
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
