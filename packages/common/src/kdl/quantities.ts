/** Quantities as all our files and settings write them. Undefined: not written so. */

const unitMs: Record<string, number> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** `"90s"`, `"20m"`, `"1h30m"` in milliseconds. */
export function parseDuration(text: string): number | undefined {
  if (!/^(?:\d{1,9}(?:ms|s|m|h|d))+$/.test(text)) return undefined;
  return [...text.matchAll(/(\d+)(ms|s|m|h|d)/g)].reduce(
    (sum, [, count, unit]) => sum + Number(count) * (unitMs[unit ?? ''] ?? 0),
    0,
  );
}

const sizeUnits: Record<string, number> = { B: 1, KiB: 1024, MiB: 1024 ** 2, GiB: 1024 ** 3, TiB: 1024 ** 4 };

/** `"512MiB"`, `"1.5GiB"` in bytes; never nothing. */
export function parseSize(text: string): number | undefined {
  const [, digits, unit] = /^(\d{1,12}(?:\.\d{1,3})?)(B|KiB|MiB|GiB|TiB)$/.exec(text) ?? [];
  const bytes = Math.floor(Number(digits) * (sizeUnits[unit ?? ''] ?? Number.NaN));
  return bytes > 0 ? bytes : undefined;
}

/** Bytes as a person would write them, as exactly as two decimals can: `"1.5 GiB"`, `"512 MiB"`. */
export function sizeText(bytes: number): string {
  const [unit, factor] = Object.entries(sizeUnits).findLast(([, one]) => bytes >= one) ?? ['B', 1];
  return `${Number((bytes / factor).toFixed(2))} ${unit}`;
}

/** What was meant by `4G`, `4 GB`, `4gib`, …; undefined: nobody can tell. */
export function meantSize(text: string): string | undefined {
  const [, digits, letter] = /^\s*(\d{1,12}(?:\.\d{1,3})?)\s*([kmgt])(?:i?b|i)?\s*$/i.exec(text) ?? [];
  return digits === undefined ? undefined : `${digits}${letter === 'k' ? 'K' : letter?.toUpperCase()}iB`;
}
