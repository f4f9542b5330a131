// The command blocks of a page, which tests run word for word.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** What is between a block's fences, and the word after `sh` on the first of them: a launcher, or a name. */
export interface Block {
  readonly label: string;
  readonly text: string;
}

const root = join(import.meta.dirname, '../..');

/** @param page  From the root: `README.md`. */
export function blocksOf(page: string): Block[] {
  const blocks = readFileSync(join(root, page), 'utf8').matchAll(/^```sh ?(.*)\n([^]*?)^```$/gm);
  return [...blocks].map(([, label = '', text = '']) => ({ label, text }));
}
