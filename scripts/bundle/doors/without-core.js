// What `hwloc-share/auto` does where the core cannot be loaded: the job runs, and only a job that uses the topology fails.

/** @param error  Why not. @returns what src/rank/on-import.ts exports. */
export function withoutCore(error) {
  const fail = () => {
    throw error;
  };
  const get = (_, key) => (key === 'then' ? undefined : fail());
  const unusable = new Proxy({}, { get, set: fail, has: fail, ownKeys: fail });
  return {
    async joinOnImport() {
      if (isStrict(process.env.HWLOC_SHARE_STRICT)) fail();
      // Of an error that is not ours, a file that cannot be read, say.
      const message = error.message.replace(/^(?!hwloc-share: )/, 'hwloc-share: ').replace(/\n/g, ' ');
      const { writeSync } = await import('fs');
      try {
        writeSync(2, `${message}; the program runs without a topology\n`);
      } catch {
        // A closed stderr is no reason to fail a program.
      }
      return unusable;
    },
    topologyOf: () => unusable,
  };
}

/** As src/environment/settings.ts reads it. */
function isStrict(value = '') {
  return !['', '0', 'no', 'false', 'off'].includes(value.toLowerCase());
}
