// Where the code cache of core.cjs is: one file for each Node and kind of processor, as several may use one installation.

export const cacheFile = `core-${process.version}-${process.arch}.cache`;
