// Channels on their way in or out: being built, or being removed. Their name tells whose they are, in the keeper's place.

import { type Keeper, currentKeeper } from './keeper.js';

let count = 0;

/** A name that nobody else has, for a channel that this process is building, or removing. */
export function passingName(): string {
  const { pid, start, namespace } = currentKeeper();
  return `.passing-${pid}-${start}-${namespace.replace(/\D/g, '')}-${++count}`;
}

/** Who builds or removes a channel of such a name; undefined for any other name. */
export function passingKeeper(name: string): Keeper | undefined {
  const [, pid, start, namespace] = /^\.passing-(\d+)-(\d+)-(\d+)-\d+$/.exec(name) ?? [];
  if (pid === undefined || start === undefined || namespace === undefined) return undefined;
  return { pid: Number(pid), start: Number(start), namespace: `pid:[${namespace}]` };
}
