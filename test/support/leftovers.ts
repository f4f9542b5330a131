// What a job may have left on the node: files of ours, and processes.
import { lstatSync, readdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export { processesLeft, processesWith } from './processes.js';

/** Where channels may be when HWLOC_SHARE_DIR names no other place. */
export function channelPlaces(): string[] {
  const places = ['/dev/shm', process.env.XDG_RUNTIME_DIR ?? '', tmpdir()];
  return [...new Set(places.filter((place) => place !== ''))];
}

/**
 * The paths of everything of ours in these places: what is in a `hwloc-share-<uid>` folder, or the folder itself where
 * it is empty or no folder, and whatever else bears its name and something more (a folder still under a temporary name).
 *
 * Test files run side by side, and would see each other's channels in the default places: a test that asks for
 * "nothing" gives its job a place of its own with HWLOC_SHARE_DIR, or looks for its own job's key.
 */
export function leftovers(places: readonly string[] = channelPlaces()): string[] {
  const root = `hwloc-share-${process.getuid?.() ?? 0}`;
  // Not hwloc-share-1000 for user 100.
  const ours = (name: string): boolean => name.startsWith(root) && !/^\d/.test(name.slice(root.length));
  return places.flatMap((place) =>
    entries(place)
      .filter(ours)
      .map((name) => join(place, name))
      .flatMap((path) => {
        const inside = isFolder(path) ? entries(path).map((name) => join(path, name)) : [];
        return inside.length > 0 ? inside : [path];
      }),
  );
}

function entries(folder: string): string[] {
  try {
    return readdirSync(folder).sort();
  } catch {
    return []; // no such place, or gone in the meantime
  }
}

function isFolder(path: string): boolean {
  return lstatSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;
}
