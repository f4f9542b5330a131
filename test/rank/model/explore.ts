// Walks through every world that a scenario may come to.
import { type Scenario, Violation, type World, beginning, following, isOver, outcomeOf } from './world.js';

export interface Explored {
  /** How many different worlds there are. */
  readonly states: number;
  /** How many of them are ends. */
  readonly ends: number;
  /** A way to a world from which no end can be reached, or to what must not be; undefined if there is none. */
  readonly fault: { readonly what: string; readonly way: readonly World[] } | undefined;
  /** Worlds at the ends, by how many ranks adopted, fell back and died. */
  readonly outcomes: ReadonlyMap<string, number>;
}

/** Explores all worlds, breadth first, and checks that an end can be reached from each. */
export function explore(scenario: Scenario, most = 3_000_000): Explored {
  const first = beginning(scenario);
  const numbers = new Map<number, number>([[keyOf(first), 0]]);
  /** Those that are still to be looked at; the others are made again where they are needed. */
  const worlds: (World | undefined)[] = [first];
  /** From which world, and as which of those that follow it, each was found. */
  const parents: number[] = [-1];
  const branches: number[] = [-1];
  const from: number[] = [];
  const into: number[] = [];
  const ends: number[] = [];
  const outcomes = new Map<string, number>();
  for (let at = 0; at < worlds.length; at++) {
    const world = worlds[at];
    if (world === undefined) break;
    worlds[at] = undefined;
    let next: World[];
    try {
      if (isOver(world, scenario)) {
        ends.push(at);
        const outcome = outcomeOf(world);
        outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
      }
      next = following(world, scenario);
    } catch (error) {
      if (!(error instanceof Violation)) throw error;
      return { states: worlds.length, ends: ends.length, fault: fault(error.message, at), outcomes };
    }
    next.forEach((follower, branch) => {
      const key = keyOf(follower);
      let number = numbers.get(key);
      if (number === undefined) {
        number = worlds.length;
        if (number >= most) throw new Error(`more than ${most} worlds`);
        numbers.set(key, number);
        worlds.push(follower);
        parents.push(at);
        branches.push(branch);
      }
      from.push(at);
      into.push(number);
    });
  }
  const stuck = firstStuck(worlds.length, from, into, ends);
  return {
    states: worlds.length,
    ends: ends.length,
    fault: stuck === undefined ? undefined : fault('no end can be reached from here', stuck),
    outcomes,
  };

  function fault(what: string, at: number) {
    const turns: number[] = [];
    for (let each = at; each > 0; each = parents[each] ?? 0) turns.unshift(branches[each] ?? 0);
    const way = [first];
    for (const turn of turns) {
      const next = following(way.at(-1) ?? first, scenario)[turn];
      if (next !== undefined) way.push(next);
    }
    return { what, way };
  }
}

/** Goes backwards from the ends, over all steps. @returns a world from which none can be reached */
function firstStuck(
  count: number,
  from: readonly number[],
  into: readonly number[],
  ends: readonly number[],
): number | undefined {
  const starts = new Int32Array(count + 1);
  for (const number of into) starts[number + 1] = (starts[number + 1] ?? 0) + 1;
  for (let i = 1; i < starts.length; i++) starts[i] = (starts[i] ?? 0) + (starts[i - 1] ?? 0);
  const places = starts.slice();
  const sources = new Int32Array(into.length);
  into.forEach((number, edge) => {
    const place = places[number] ?? 0;
    sources[place] = from[edge] ?? 0;
    places[number] = place + 1;
  });
  const reaches = new Uint8Array(count);
  const queue = [...ends];
  for (const end of ends) reaches[end] = 1;
  for (let number = queue.pop(); number !== undefined; number = queue.pop()) {
    for (let edge = starts[number] ?? 0; edge < (starts[number + 1] ?? 0); edge++) {
      const source = sources[edge] ?? 0;
      if (reaches[source] === 1) continue;
      reaches[source] = 1;
      queue.push(source);
    }
  }
  const stuck = reaches.indexOf(0);
  return stuck === -1 ? undefined : stuck;
}

const texts = new WeakMap<object, string>();

/** A hash of a world. Parts that have not changed since the world before are turned into text once. */
function keyOf({ ranks, lobby, round, ...rest }: World): number {
  return hash(`${JSON.stringify(rest)}${textOf(round)}${textOf(lobby)}${ranks.map(textOf).join('')}`);
}

function textOf(part: object | undefined): string {
  if (part === undefined) return '-';
  let text = texts.get(part);
  if (text === undefined) texts.set(part, (text = JSON.stringify(part)));
  return text;
}

/** 53 bits, in two halves as in FNV-1a: of a million worlds, two are taken for the same with a chance of 1 in 20,000. */
function hash(text: string): number {
  let low = 0x811c9dc5;
  let high = 0x9e3779b9;
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    low = Math.imul(low ^ unit, 0x01000193);
    high = Math.imul(high ^ unit, 0x85ebca6b) ^ (high >>> 15);
  }
  return (high & 0x1fffff) * 2 ** 32 + (low >>> 0);
}

/** Of jobs that have too many worlds to look at all of them: so many ways through, each step chosen by chance; deaths are rare. */
export function wander(scenario: Scenario, ways: number, seed: number): Omit<Explored, 'outcomes'> {
  const random = randomFrom(seed);
  const seen = new Set<number>();
  let ends = 0;
  for (let count = 0; count < ways; count++) {
    let world = beginning(scenario);
    const way = [world];
    const fault = (what: string) => ({ states: seen.size, ends, fault: { what, way } });
    try {
      while (!isOver(world, scenario)) {
        const next = following(world, scenario);
        const mayDie = random() < 0.03;
        const likely = mayDie ? next : next.filter(({ deaths }) => deaths === world.deaths);
        const chosen = likely[Math.floor(random() * likely.length)];
        if (chosen === undefined) return fault('nothing follows, and it is not over');
        if (way.length > longestWay) return fault('it goes on for ever');
        world = chosen;
        way.push(world);
        seen.add(keyOf(world));
      }
      ends++;
    } catch (error) {
      if (!(error instanceof Violation)) throw error;
      return fault(error.message);
    }
  }
  return { states: seen.size, ends, fault: undefined };
}

/** Most ways end within some hundreds of steps. */
const longestWay = 20_000;

/** Numbers from 0 to 1 that are the same for the same seed (a xorshift). */
function randomFrom(seed: number): () => number {
  let state = seed | 1;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) / 2 ** 32;
  };
}
