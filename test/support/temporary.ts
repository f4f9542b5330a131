// Folders for tests.
import { mkdtempSync, rmSync } from 'node:fs';
import { afterAll } from 'vitest';
import { ownedFolder, ownedMemoryFolder } from './owner.js';

const folders: string[] = [];

// Not at the end of each test: vitest does not know which one asks, where several run at once.
afterAll(() => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true, maxRetries: 3 });
});

/** A new empty folder, mode 0700, that is removed after the tests of this file. */
export function temporaryFolder(): string {
  return folderAt(ownedFolder);
}

/** The same in /dev/shm, where jobs have theirs. */
export function memoryFolder(): string {
  return folderAt(ownedMemoryFolder);
}

function folderAt(prefix: string): string {
  const folder = mkdtempSync(prefix);
  folders.push(folder);
  return folder;
}
