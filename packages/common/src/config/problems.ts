import { SolsticeError } from '../errors/index.js';

/** Collects everything that is wrong, so that it is told at once. */
export class Problems {
  readonly #problems: { place: string; what: string }[] = [];

  /** @param place `file:line:column`, or the name of a variable. */
  add(place: string, what: string): void {
    this.#problems.push({ place, what });
  }

  /** @throws SolsticeError settings-invalid, with a line for each problem. */
  throwIfAny(): void {
    if (this.#problems.length === 0) {
      return;
    }
    const sorted = this.#problems.toSorted((left, right) => orderOf(left.place) - orderOf(right.place));
    const title = sorted.length === 1 ? 'A setting is wrong:' : `${sorted.length} settings are wrong:`;
    const lines = sorted.map(({ place, what }) => `  ${place}: ${what}`);
    throw new SolsticeError('settings-invalid', [title, ...lines].join('\n'));
  }
}

/** In the order of the file; variables after it. */
function orderOf(place: string): number {
  const [, line, column] = /:(\d+):(\d+)$/.exec(place) ?? [];
  return line === undefined ? Number.MAX_SAFE_INTEGER : Number(line) * 1_000_000 + Number(column);
}
