// What strace says of the files that a process opens, and of those that it looks for in vain.

/** Files, each once, in the order in which they came. */
export interface Files {
  readonly opened: readonly string[];
  readonly missing: readonly string[];
  /** System calls that name a file, whatever came of them: what a shared file system is asked. */
  readonly requests: number;
}

/** @param text  The output of `strace -f -e trace=file`. */
export function filesIn(text: string): Files {
  const opened = new Set<string>();
  const missing = new Set<string>();
  let requests = 0;
  for (const line of text.split('\n')) {
    const [, call, path] = /(\w+)\((?:AT_FDCWD, |\d+, )?"([^"]*)"/.exec(line) ?? [];
    if (call === undefined || path === undefined) continue;
    requests++;
    if (/= -1 (ENOENT|ENOTDIR)/.test(line)) missing.add(path);
    else if (call.startsWith('open') && /= \d+/.test(line)) opened.add(path);
  }
  return { opened: [...opened], missing: [...missing], requests };
}

/** Those of a process that another one has not. */
export function beyond(files: Files, bare: Files): Files {
  return {
    opened: files.opened.filter((path) => !bare.opened.includes(path)),
    missing: files.missing.filter((path) => !bare.missing.includes(path)),
    requests: files.requests - bare.requests,
  };
}
