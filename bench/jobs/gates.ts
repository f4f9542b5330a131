// Gates: hold the ranks of a job until all are there, and let them go at once. Nobody polls: ranks sleep in a read that the
// harness's close ends, and the harness sleeps until the last rank has closed its end.

import { closeSync, constants, openSync } from 'node:fs';
import { Socket } from 'node:net';
import { join } from 'node:path';
import { mkfifo } from '../../src/libc/index.js';
import { removeScratch, scratchFolder } from '../support/scratch.js';

const { O_RDONLY, O_RDWR, O_NONBLOCK } = constants;

/** The steps of a rank between which it is held. */
export type Step = 'join' | 'walk' | 'tell';

/** The harness's ends of one job's gates, in a folder of their own. */
export class Gates {
  readonly folder = scratchFolder();
  readonly #ready: Socket;
  readonly #go = new Map<Step, number>();
  readonly #done = new Map<Step, number>();
  readonly #open = new Set<Socket>();

  constructor(steps: readonly Step[]) {
    this.#ready = this.#socket(openSync(this.#fifo('ready'), O_RDWR | O_NONBLOCK));
    for (const step of steps) {
      // Both ends, so that a rank's open does not wait for us.
      this.#go.set(step, openSync(this.#fifo(`go.${step}`), O_RDWR));
      this.#done.set(step, openSync(this.#fifo(`done.${step}`), O_RDONLY | O_NONBLOCK));
    }
  }

  /** Resolves when so many ranks are there, each with all its ends open. */
  untilReady(ranks: number): Promise<void> {
    let came = 0;
    return new Promise((resolve) => {
      this.#ready.on('data', (chunk: Buffer) => {
        came += chunk.length;
        if (came >= ranks) resolve();
      });
    });
  }

  /** Lets all ranks go through, and resolves when the last of them is done with it, or has died. */
  async pass(step: Step): Promise<void> {
    const [go, done] = [this.#go.get(step), this.#done.get(step)];
    if (go === undefined || done === undefined) throw new Error(`there is no gate ${step}`);
    this.#go.delete(step);
    this.#done.delete(step);
    const socket = this.#socket(done);
    const ended = new Promise<void>((resolve) => {
      socket.on('close', () => {
        resolve();
      });
      socket.resume();
    });
    closeSync(go);
    await ended;
  }

  /** Removes the folder; ranks that still wait are let go. */
  dispose(): void {
    for (const fd of [...this.#go.values(), ...this.#done.values()]) closeSync(fd);
    this.#go.clear();
    this.#done.clear();
    for (const socket of this.#open) socket.destroy();
    removeScratch(this.folder);
  }

  #fifo(name: string): string {
    const path = join(this.folder, name);
    mkfifo(path);
    return path;
  }

  #socket(fd: number): Socket {
    const socket = new Socket({ fd, readable: true, writable: false });
    this.#open.add(socket);
    return socket;
  }
}
