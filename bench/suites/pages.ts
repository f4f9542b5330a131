// Whether reading leaves the shared pages shared: 32 ranks read every field of every object 1,000 times over.

import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { Benchmark } from '../benchmark.js';
import { adopt, load, share } from './topologies.js';

const ranks = 32;
const wanted = 1000;
/** So many, to know how long more of them take. */
const first = 10;

export const pages: Benchmark = {
  name: 'pages',
  weight: 1,
  about: `PSS that a rank adds, of ${ranks} that read everything ${wanted} times (wanted: 64 KiB beyond its share at most)`,
  async run({ say, budget }) {
    const loaded = await load(384);
    const file = share(loaded);
    loaded.close();
    const words = [file.path, String(file.segment.address), String(file.segment.length)];
    const started = Array.from({ length: ranks }, () => new Rank(words));
    const all = (...words: Parameters<Rank['say']>) => Promise.all(started.map((each) => each.say(...words)));
    // Asked only when all have done it: PSS is counted over those that have touched a page.
    await all('map');
    const before = await all('usage');
    const from = performance.now();
    await all('read', first);
    const each = (performance.now() - from) / first;
    const more = Math.min(wanted - first, Math.floor(budget.left / each));
    await all('read', more);
    const walks = first + more;
    if (walks < wanted) budget.leaveOut(`pages: ${walks} walks instead of ${wanted}`);
    const after = await all('usage');
    for (const each of started) each.end();
    file.dispose();
    say(show('after adopting and touching each page', before));
    say(show(`after ${walks} walks`, after));
    return { data: { ranks, walks, before, after } };
  },
};

interface Usage {
  readonly rss: number;
  readonly pss: number;
  readonly private: number;
}

function show(title: string, usages: readonly Usage[]): string {
  const most = (name: keyof Usage) => Math.max(...usages.map((usage) => usage[name]));
  const share = most('rss') / ranks;
  return (
    `${title}: ${most('rss')} KiB mapped in each; PSS at most ${most('pss')} KiB ` +
    `(an equal share is ${share.toFixed(0)} KiB); private at most ${most('private')} KiB`
  );
}

/** A process that does as it is told, and answers with what its mapping uses. */
class Rank {
  readonly #child;
  readonly #lines;

  constructor(words: readonly string[]) {
    this.#child = spawn(process.execPath, [fileURLToPath(import.meta.url), ...words], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    this.#lines = createInterface({ input: this.#child.stdout })[Symbol.asyncIterator]();
  }

  /** @param times  How often to read. */
  async say(word: 'map' | 'read' | 'usage', times = 1): Promise<Usage> {
    this.#child.stdin.write(`${word} ${times}\n`);
    const { value } = (await this.#lines.next()) as { value: string };
    return JSON.parse(value) as Usage;
  }

  end(): void {
    this.#child.stdin.end();
  }
}

async function rank([path = '', address, length]: readonly string[]): Promise<void> {
  const topology = adopt({ path, segment: { offset: 0, address: Number(address), length: Number(length) } });
  const fields = new Set<string>();
  for (
    let type: object = topology.root;
    type !== Object.prototype;
    type = Object.getPrototypeOf(type) as object
  ) {
    for (const [name, descriptor] of Object.entries(Object.getOwnPropertyDescriptors(type))) {
      if ('get' in descriptor) fields.add(name);
    }
  }
  const read = () => {
    for (const object of topology) for (const field of fields) Reflect.get(object, field);
  };
  for await (const line of createInterface({ input: process.stdin })) {
    const [word, times] = line.split(' ');
    for (let walk = 0; word !== 'usage' && walk < Number(times); walk++) read();
    console.log(word === 'usage' ? JSON.stringify(usage(Number(address))) : '{}');
  }
  topology.close();
}

function usage(address: number): Usage {
  const mappings = readFileSync('/proc/self/smaps', 'utf8').split(/^(?=[0-9a-f]+-[0-9a-f]+ )/m);
  const mapping = mappings.find((text) => text.startsWith(`${address.toString(16)}-`)) ?? '';
  const kib = (name: string) => Number(new RegExp(`^${name}:\\s*(\\d+) kB`, 'm').exec(mapping)?.[1] ?? NaN);
  return { rss: kib('Rss'), pss: kib('Pss'), private: kib('Private_Dirty') + kib('Anonymous') };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await rank(process.argv.slice(2));
