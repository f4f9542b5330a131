// Sorts the records of ranks: the steps of the job, the nodes of each step, and the outcome of each rank.

import type { JoinRecord, Member } from '../../spool/index.js';

/** A step of the job: everything that one mpirun or srun has started. */
export interface Step {
  readonly name: string;
  readonly launcher: string | null;
  readonly size: number | null;
  readonly nodes: readonly Node[];
  /** The ranks without any record, as ranges with both ends included. */
  readonly unknown: readonly Gap[];
}

/** Consecutive ranks. */
export type Gap = readonly [first: number, last: number];

/** The ranks of a step that met on one node. */
export interface Node {
  readonly node: string;
  /** The name that these ranks share. */
  readonly step: string;
  readonly localSize: number | null;
  readonly ranks: readonly Told[];
  /** Ranks that only the leader has reported. */
  readonly others: readonly Member[];
}

/** The last record of a rank, and what its leader saw of it. */
export interface Told {
  readonly record: JoinRecord;
  readonly seen: Member | undefined;
}

interface StepInTheMaking {
  readonly base: string;
  readonly nodes: Node[];
  readonly ranks: Set<number>;
}

/** Sorts records, which may come in any order. */
export function stepsOf(records: readonly JoinRecord[]): Step[] {
  const nodes = [...groupedBy(firstJoins(records), ({ step }) => step).values()].map(nodeOf);
  nodes.sort((a, b) => begin(a) - begin(b));
  const steps: StepInTheMaking[] = [];
  for (const node of nodes) {
    const base = node.step.replace(/@[^@]*$/, '');
    const mine = steps.find((step) => belongs(node, base, step));
    if (mine === undefined) steps.push({ base, nodes: [node], ranks: new Set(ranksOn(node)) });
    else {
      mine.nodes.push(node);
      for (const rank of ranksOn(node)) mine.ranks.add(rank);
    }
  }
  return steps.map(({ base, nodes, ranks }) => {
    const { launcher = null, size = null } = nodes[0]?.ranks[0]?.record ?? {};
    const unknown = gapsIn([...ranks], size ?? 0);
    return { name: base, launcher, size, nodes: nodes.sort(byFirstRank), unknown };
  });
}

/**
 * One record for each rank: the last record of its first join. A child of a rank that joins too, or the rank
 * itself after its close(), reports itself as the same rank.
 */
function firstJoins(records: readonly JoinRecord[]): JoinRecord[] {
  const byRank = groupedBy(records, ({ step, rank }) => `${step} ${rank}`);
  return [...byRank.values()].flatMap((all) => {
    const came = Math.min(...all.map((record) => record.came));
    const join = all.filter((record) => record.came === came);
    // A leader writes its last line when it leaves, with everything that it has heard from the other ranks.
    return join.findLast(({ what }) => what !== 'come') ?? join[0] ?? [];
  });
}

function nodeOf(records: readonly JoinRecord[]): Node {
  const [first] = records;
  const members = records.flatMap((record) => record.members ?? []);
  const memberAt = (localRank: number | null) => members.find((member) => member.localRank === localRank);
  const told = records.map((record) => ({ record, seen: memberAt(record.localRank) }));
  return {
    node: first?.node ?? '',
    step: first?.step ?? '',
    localSize: first?.localSize ?? null,
    ranks: told.sort((a, b) => a.record.rank - b.record.rank),
    others: members
      .filter((member) => !records.some(({ localRank }) => localRank === member.localRank))
      .map((member) => ({ ...member, rank: member.rank ?? onlyNode(first, member.localRank) }))
      .sort((a, b) => a.localRank - b.localRank),
  };
}

/**
 * The rank of a member that never came. Only its local rank is known; this is also the rank if there is only
 * one node, or if the launcher gives no local ranks.
 */
function onlyNode(record: JoinRecord | undefined, localRank: number): number | null {
  return record !== undefined && [record.size, null].includes(record.localSize) ? localRank : null;
}

/**
 * Whether a node belongs to a step. Most launchers name a step in the same way on all nodes. Hydra does not:
 * its name is that of a process on each node. There, nodes belong together if they have the same size and no
 * rank in common.
 */
function belongs(node: Node, base: string, step: StepInTheMaking): boolean {
  const isOfProcess = /-\d+-\d+$/;
  if (base !== step.base && !(isOfProcess.test(base) && isOfProcess.test(step.base))) return false;
  const [mine, theirs] = [node.ranks[0]?.record, step.nodes[0]?.ranks[0]?.record];
  if (mine?.launcher !== theirs?.launcher || mine?.size !== theirs?.size) return false;
  return !ranksOn(node).some((rank) => step.ranks.has(rank));
}

function ranksOn({ ranks, others }: Node): number[] {
  return [...ranks.map(({ record }) => record.rank), ...others.flatMap(({ rank }) => rank ?? [])];
}

/**
 * The numbers below `size` that are missing. `size` may be any number, so nothing is allocated in proportion
 * to it.
 */
function gapsIn(numbers: readonly number[], size: number): Gap[] {
  const gaps: Gap[] = [];
  let next = 0;
  for (const number of [...numbers.filter((each) => each < size), size].sort((a, b) => a - b)) {
    if (number > next) gaps.push([next, number - 1]);
    next = Math.max(next, number + 1);
  }
  return gaps;
}

function begin({ ranks }: Node): number {
  return Math.min(...ranks.map(({ record }) => record.wall));
}

function byFirstRank(a: Node, b: Node): number {
  return Math.min(...ranksOn(a)) - Math.min(...ranksOn(b));
}

function groupedBy<Item>(items: readonly Item[], key: (item: Item) => string): Map<string, Item[]> {
  const groups = new Map<string, Item[]>();
  for (const item of items) {
    const group = groups.get(key(item));
    if (group === undefined) groups.set(key(item), [item]);
    else group.push(item);
  }
  return groups;
}
