import { type LogItem, PlainText, type RunDetailView } from '@solstice/api';
import type { Output } from '../output.js';
import { oneLine } from './text.js';

type LogPiece = Extract<LogItem, { kind: 'log' }>;

/** A line that goes on for longer is shown in pieces, so that memory stays flat. */
const longestLine = 64 * 1024;

/**
 * A log for people: a heading a step, `!` before what went to standard error, `*` before what Solstice says
 * itself, the job's name before each line where there are several.
 */
export class LogPrinter {
  readonly #output: Output;
  readonly #prefixJobs: boolean;
  readonly #streams = new Map<string, { text: PlainText; line: string; piece: LogPiece }>();
  /** By job: which attempt and step the last heading was for. */
  readonly #headings = new Map<string, string>();
  #run: RunDetailView | undefined;

  constructor(output: Output, prefixJobs: boolean) {
    this.#output = output;
    this.#prefixJobs = prefixJobs;
  }

  update(run: RunDetailView): void {
    this.#run = run;
  }

  async push(piece: LogPiece): Promise<void> {
    const key = `${piece.job}/${piece.attempt}/${piece.step}/${piece.stream}`;
    const stream = this.#streams.get(key) ?? {
      text: new PlainText({ colours: this.#output.colour }),
      line: '',
      piece,
    };
    this.#streams.set(key, stream);
    const lines = (stream.line + stream.text.push(piece.data)).split('\n');
    stream.line = lines.pop() ?? '';
    if (stream.line.length > longestLine) {
      lines.push(stream.line);
      stream.line = '';
    }
    if (lines.length > 0) await this.#write(piece, lines);
  }

  /** What has no line end yet. */
  async end(): Promise<void> {
    for (const { text, line, piece } of this.#streams.values()) {
      const rest = line + text.end();
      if (rest !== '') await this.#write(piece, rest.replace(/\n$/, '').split('\n'));
    }
    this.#streams.clear();
  }

  async #write(piece: LogPiece, lines: readonly string[]): Promise<void> {
    const { colours } = this.#output;
    const job = this.#prefixJobs ? `${colours.dim(`${oneLine(piece.job)} |`)} ` : '';
    const heading = this.#heading(piece);
    const mark = piece.stream === 'stderr' ? colours.red('! ') : piece.stream === 'system' ? colours.blue('* ') : '  ';
    // Whatever colour a line leaves on is its own affair.
    const reset = this.#output.colour ? '\u001b[0m' : '';
    const text = lines.map((line) => `${job}${mark}${line}${line.includes('\u001b') ? reset : ''}\n`).join('');
    await this.#output.write(`${heading === undefined ? '' : `${job}${colours.bold(heading)}\n`}${text}`);
  }

  #heading(piece: LogPiece): string | undefined {
    if (piece.stream === 'system') return undefined;
    const place = `${piece.attempt}/${piece.step}`;
    const before = this.#headings.get(piece.job);
    if (before === place) return undefined;
    this.#headings.set(piece.job, place);
    const name = this.#run?.nodes.find((node) => node.id === piece.job)?.stepNames[piece.step] ?? '';
    const attempt = before !== undefined && !before.startsWith(`${piece.attempt}/`) ? `attempt ${piece.attempt}, ` : '';
    return `── ${attempt}step ${piece.step + 1}: ${oneLine(name)}`;
  }
}
