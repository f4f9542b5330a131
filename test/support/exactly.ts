// Command lines of bytes, as a shell passes them on: Node itself gives programs nothing but UTF-8.

/**
 * A command that becomes another one.
 *
 * @param words      Its words, each character a byte (latin1).
 * @param variables  What is set for it, in the same way.
 */
export function exactly(
  words: readonly string[],
  variables: Readonly<Record<string, string>> = {},
): string[] {
  const set = Object.entries(variables).map(([name, value]) => `export ${name}=${quoted(value)}; `);
  return ['sh', '-c', `${set.join('')}exec ${words.map(quoted).join(' ')}`];
}

/** In octal, for printf(1); with a character behind it, since the shell takes off newlines at the end. */
function quoted(bytes: string): string {
  const octal = [...Buffer.from(bytes, 'latin1')]
    .map((byte) => `\\${byte.toString(8).padStart(3, '0')}`)
    .join('');
  return `"$(x=$(printf '${octal}.'); printf %s "\${x%.}")"`;
}
