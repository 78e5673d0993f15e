import type { Colours } from '../output.js';
import { cut, oneLine } from './text.js';

export interface Column<Row> {
  title: string;
  value: (row: Row) => string;
  /** Applied after the cell has its width. */
  paint?: (text: string, row: Row) => string;
  /** May be cut down to this width when the terminal is narrow; absent: never. */
  shrinkTo?: number;
  align?: 'right';
}

const gap = 2;

/** Lines of a table that fits `width`: the columns that may shrink do, the widest first. */
export function renderTable<Row>(
  columns: readonly Column<Row>[],
  rows: readonly Row[],
  settings: { width: number | undefined; colours: Colours },
): string[] {
  const cells = rows.map((row) => columns.map((column) => oneLine(column.value(row))));
  const used = columns.map((_, index) => cells.some((row) => (row[index] ?? '') !== ''));
  const widths = columns.map((column, index) =>
    Math.max(column.title.length, ...cells.map((row) => [...(row[index] ?? '')].length)),
  );
  if (settings.width !== undefined) shrink(columns, widths, used, settings.width);

  const shown = columns.map((_, index) => index).filter((index) => used[index]);
  const layOut = (index: number, text: string, last: boolean): string => {
    const width = widths[index] ?? 0;
    const fitted = cut(text, width);
    const padding = ' '.repeat(Math.max(0, width - [...fitted].length));
    if (columns[index]?.align === 'right') return padding + fitted;
    return last ? fitted : fitted + padding;
  };
  const head = shown.map((index, place) => layOut(index, columns[index]?.title ?? '', place === shown.length - 1));
  const lines = [settings.colours.dim(head.join(' '.repeat(gap)).trimEnd())];
  for (const [number, row] of cells.entries()) {
    const parts = shown.map((index, place) => {
      const text = layOut(index, row[index] ?? '', place === shown.length - 1);
      const paint = columns[index]?.paint;
      const source = rows[number];
      return paint && source !== undefined ? paint(text, source) : text;
    });
    lines.push(parts.join(' '.repeat(gap)).trimEnd());
  }
  return lines;
}

function shrink<Row>(columns: readonly Column<Row>[], widths: number[], used: readonly boolean[], width: number): void {
  const total = () => widths.reduce((sum, each, index) => sum + (used[index] ? each + gap : 0), 0) - gap;
  while (total() > width) {
    let widest = -1;
    for (const [index, column] of columns.entries()) {
      const room = (widths[index] ?? 0) - (column.shrinkTo ?? Number.POSITIVE_INFINITY);
      if (used[index] && room > 0 && (widest < 0 || (widths[index] ?? 0) > (widths[widest] ?? 0))) widest = index;
    }
    if (widest < 0) return;
    widths[widest] = (widths[widest] ?? 1) - 1;
  }
}
