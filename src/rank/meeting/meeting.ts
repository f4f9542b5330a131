// A rank's open files in its channel: its byte in the roll, the lobby, the gate that it waits at, and the
// gates that it holds as the leader.

import { closeSync } from 'node:fs';
import {
  type Channel,
  type Lobby,
  endGate,
  holdGate,
  leaderByte,
  leaveChannel,
  openGate,
  openLobby,
  removeIfDead,
} from '../../channel/index.js';
import { channelPath } from '../../channel/place/index.js';
import { type Watch, watch } from '../../libc/index.js';
import { alarm } from '../time.js';
import type { Context } from '../context.js';
import { filesKey } from './plans.js';

/** A rank's part of a channel. */
export interface Meeting {
  readonly channel: Channel;
  /** The lobby, opened at its first use. */
  lobby(): Lobby;
  closeLobby(): void;
  /** Opens a gate to wait at, and closes the previous one. */
  openGate(number: number): void;
  /** Waits until a moment of {@link patientNow} at most. Resolves to whether the gate has ended. */
  gateEnds(until: number): Promise<boolean>;
  closeGate(): void;
  /** Holds a gate shut, as the leader. */
  hold(number: number): void;
  /** Ends a gate that is held. */
  end(number: number): void;
  /** Calls `close` when this rank leaves, to leave directories under other roots as well. */
  whenLeaving(close: () => void): void;
  /** Leaves the channel, and removes it if no other process is in it. Further calls do nothing. */
  leave(): void;
}

/** Takes part in a channel until this rank leaves, or the process ends. */
export function meet(context: Context, channel: Channel): Meeting {
  let lobby: Lobby | undefined;
  let gate: { readonly fd: number; readonly watch: Watch } | undefined;
  let gateHasEnded = false;
  let wake: ((ended: boolean) => void) | undefined;
  const waited = alarm(() => wake?.(false));
  const held = new Map<number, number>();
  const closers: (() => void)[] = [];
  let isIn = true;

  const closeGate = () => {
    if (gate === undefined) return;
    gate.watch.stop();
    closeSync(gate.fd);
    gate = undefined;
  };
  const closeLobby = () => {
    lobby?.close();
    lobby = undefined;
  };
  const leave = () => {
    if (!isIn) return;
    isIn = false;
    closeGate();
    // Before the gates end: ranks that wait there must find that no rank leads.
    channel.roll.drop(leaderByte);
    held.forEach((fd) => {
      closeSync(fd);
    });
    closeLobby();
    for (const close of closers) close();
    const isLast = leaveChannel(channel, context.identity.localRank);
    process.off('exit', leave);
    if (!isLast) return;
    // Removes the directories for files that the channel had no room for.
    for (const root of context.roots) {
      if (root !== channel.root) removeIfDead(channelPath(root, filesKey(context.identity.key)));
    }
  };
  process.on('exit', leave);

  return {
    channel,
    lobby: () => (lobby ??= openLobby(channel.path)),
    closeLobby,
    openGate(number) {
      closeGate();
      const fd = openGate(channel.path, number);
      gateHasEnded = fd === undefined;
      if (fd === undefined) return;
      const ended = () => {
        gateHasEnded = true;
        gate?.watch.stop();
        wake?.(true);
      };
      gate = { fd, watch: watch(fd, 'readable', ended) };
    },
    gateEnds(until) {
      if (gateHasEnded) return Promise.resolve(true);
      return new Promise((resolve) => {
        wake = (ended) => {
          wake = undefined;
          waited.off();
          resolve(ended);
        };
        waited.set(until);
      });
    },
    closeGate,
    hold(number) {
      if (!held.has(number)) held.set(number, holdGate(channel.path, number));
    },
    end(number) {
      const fd = held.get(number);
      held.delete(number);
      if (fd !== undefined) endGate(channel.path, number, fd);
    },
    whenLeaving(close) {
      closers.push(close);
    },
    leave,
  };
}
