// Folders for tests.
import { mkdtempSync, rmSync } from 'node:fs';
import { afterAll } from 'vitest';
import { ownedFolder } from './owner.js';

const folders: string[] = [];

// Not at the end of each test: vitest does not know which one asks, where several run at once.
afterAll(() => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true, maxRetries: 3 });
});

/** A new empty folder, mode 0700, that is removed after the tests of this file. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(ownedFolder);
  folders.push(folder);
  return folder;
}
