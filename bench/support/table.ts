// Tables on the terminal, and numbers as people read them.

/** A table: the first column to the left, the others to the right. */
export function table(rows: readonly (readonly string[])[]): string {
  const [head = []] = rows;
  const widths = head.map((_, column) => Math.max(...rows.map((row) => (row[column] ?? '').length)));
  const line = (row: readonly string[]) =>
    `  ${row.map((cell, column) => (column === 0 ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0))).join('  ')}`;
  return rows.map((row) => line(row).trimEnd()).join('\n');
}

/** Three digits that count: 1.23, 12.3, 123, 1,230. */
export function digits(value: number): string {
  if (!Number.isFinite(value)) return '-';
  const magnitude = value === 0 ? 0 : Math.floor(Math.log10(Math.abs(value)));
  const decimals = Math.min(3, Math.max(0, 2 - magnitude));
  return value.toLocaleString('en-US', { minimumFractionDigits: decimals, maximumFractionDigits: decimals });
}

/** Milliseconds with a unit that fits. */
export function time(milliseconds: number): string {
  const size = Math.abs(milliseconds);
  if (size < 1) return `${digits(milliseconds * 1000)} µs`;
  if (size < 1000) return `${digits(milliseconds)} ms`;
  return `${digits(milliseconds / 1000)} s`;
}

/** KiB with a unit that fits. */
export function memory(kib: number): string {
  return Math.abs(kib) < 1024 ? `${digits(kib)} KiB` : `${digits(kib / 1024)} MiB`;
}
