import { stripVTControlCharacters } from 'node:util';

export interface Column<Row> {
  readonly title: string;
  /** The cell; may carry colours. */
  readonly cell: (row: Row) => string;
  readonly align?: 'left' | 'right';
}

const width = (text: string): number => stripVTControlCharacters(text).length;

function pad(text: string, to: number, align: 'left' | 'right'): string {
  const space = ' '.repeat(Math.max(0, to - width(text)));
  return align === 'right' ? space + text : text + space;
}

/** Columns as wide as their widest cell, two spaces between them, no rules: easy to read and to cut. */
export function renderTable<Row>(columns: readonly Column<Row>[], rows: readonly Row[]): string {
  const cells = [
    columns.map((column) => column.title),
    ...rows.map((row) => columns.map((c) => c.cell(row))),
  ];
  const widths = columns.map((_, index) => Math.max(...cells.map((line) => width(line[index] ?? ''))));
  return cells
    .map((line) =>
      line
        .map((text, index) => pad(text, widths[index] ?? 0, columns[index]?.align ?? 'left'))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}
