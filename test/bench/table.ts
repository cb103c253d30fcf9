/** Rows of cells as text, each column as wide as its widest cell; the first row is the head. */
export function table(rows: readonly (readonly string[])[]): string {
  const widths: number[] = [];
  for (const row of rows) {
    for (const [column, cell] of row.entries())
      widths[column] = Math.max(widths[column] ?? 0, [...cell].length);
  }
  const lines = rows.map((row) =>
    row
      .map((cell, column) => pad(cell, widths[column] ?? 0))
      .join('  ')
      .trimEnd(),
  );
  const rule = widths.map((width) => '─'.repeat(width)).join('  ');
  return [lines[0] ?? '', rule, ...lines.slice(1)].join('\n');
}

const pad = (cell: string, width: number): string => cell + ' '.repeat(width - [...cell].length);

/** Progress goes to stderr: stdout is for the result. */
export function say(text: string): void {
  process.stderr.write(`${text}\n`);
}
