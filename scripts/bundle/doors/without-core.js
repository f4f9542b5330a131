// What `hwloc-share/auto` does where the core cannot be loaded: the job runs, and only a job that uses the topology fails.

/** @param error  Why not. @returns what src/rank/on-import.ts exports. */
export function withoutCore(error) {
  const fail = () => {
    throw error;
  };
  const get = (_, key) => (key === 'then' ? undefined : fail());
  const unusable = new Proxy({}, { get, set: fail, has: fail, ownKeys: fail });
  return {
    joinOnImport() {
      if (isStrict(process.env.HWLOC_SHARE_STRICT)) fail();
      process.stderr.write(`${error.message}; the program runs without a topology\n`);
      return unusable;
    },
    topologyOf: () => unusable,
  };
}

/** As src/environment/settings.ts reads it. */
function isStrict(value = '') {
  return !['', '0', 'no', 'false', 'off'].includes(value.toLowerCase());
}
