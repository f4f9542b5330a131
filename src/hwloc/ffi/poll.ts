// Waiting on the event loop until a descriptor can be read or written, with no stream around it.

import { koffi } from './koffi.js';

/** A wait that goes on until it is stopped. */
export interface Watch {
  /** Whether it keeps the process alive. It does until told otherwise. */
  keepAlive(yes: boolean): void;
  /** Ends it; to be called before the descriptor is closed. Further calls do nothing. */
  stop(): void;
}

/**
 * Calls `ready` each time the event loop finds that a descriptor can be read (its end and its errors are read, too) or written,
 * for as long as that is so: whoever does not want to be called again reads, or stops.
 *
 * With libuv's own uv_poll_t, which koffi hands on. A node:net Socket would do the same, and costs a rank 4 ms for the modules that
 * it stands on and 2 ms to make one.
 *
 * @param fd  Non-blocking; a pipe, a FIFO or a socket.
 * @param ready  `broken`: nothing can come of it any more (the reader of a pipe is gone).
 * @throws Error  of libuv: `fd` cannot be waited for (a regular file)
 * @see uv_poll_start()
 */
export function watch(fd: number, what: 'readable' | 'writable', ready: (broken: boolean) => void): Watch {
  // The declared type of the callback leaves out its first argument, the status.
  const call = (...[status]: [unknown]) => {
    ready(Number(status) < 0);
  };
  const handle = koffi.node.poll(fd, { readable: what === 'readable', writable: what === 'writable' }, call);
  let watching = true;
  return {
    keepAlive(yes) {
      if (!watching) return;
      if (yes) handle.ref();
      else handle.unref();
    },
    stop() {
      if (watching) handle.close();
      watching = false;
    },
  };
}
