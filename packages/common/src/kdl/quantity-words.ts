import { type DiagnosticSink, quote } from './diagnostic-sink.js';
import { kdlLimits } from './limits.js';
import { meantSize, parseDuration, parseSize, sizeText } from './quantities.js';
import type { Said } from './said-words.js';
import { oneValueOf, textOf } from './values.js';

/** What ends something when it is over. Without one, nothing ends it. */
const limits: ReadonlySet<string> = new Set(['timeout', 'deadline', 'queue', 'silence']);

/** `"90s"`, `"20m"`, `"1h30m"` in milliseconds. */
export function durationOf(said: Said | undefined, sink: DiagnosticSink): number | undefined {
  const [first] = said?.node.arguments ?? [];
  if (said !== undefined && typeof first?.value === 'number') {
    sink.error(
      first.span,
      'number-without-unit',
      `"${said.word.name}" is a duration, and ${first.source} has no unit`,
      `Write "${first.source}s", "${first.source}m" or "${first.source}h".`,
    );
    return undefined;
  }
  const text = textOf(said, sink);
  if (text === undefined || said === undefined) return undefined;
  const written = text.text;
  const name = said.word.name;
  if (/^[0-9.]+$/.test(written)) {
    sink.error(
      text.value.span,
      'number-without-unit',
      `"${name}" is a duration, and ${quote(written)} has no unit`,
      `Write "${written}s", "${written}m" or "${written}h".`,
    );
    return undefined;
  }
  const example = 'Durations are "90s", "20m", "1h30m"; the units are ms, s, m, h, d.';
  const totalMs = parseDuration(written);
  if (totalMs === undefined) {
    sink.error(text.value.span, 'bad-duration', `${quote(written)} is not a duration`, example);
    return undefined;
  }
  if (totalMs < 1 || totalMs > kdlLimits.durationMs) {
    const nothing = limits.has(name)
      ? { message: `a "${name}" of nothing would end everything at once`, hint: 'Leave it out for none.' }
      : { message: `"${name}" is a time, and ${quote(written)} is none`, hint: example };
    sink.error(
      text.value.span,
      'bad-duration',
      totalMs < 1 ? nothing.message : `"${name}" is more than 14 days`,
      totalMs < 1 ? nothing.hint : 'The longest is "14d".',
    );
    return undefined;
  }
  return totalMs;
}

/** `"4GiB"`, `"512MiB"` in bytes. */
export function sizeOf(said: Said | undefined, sink: DiagnosticSink): number | undefined {
  const [first] = said?.node.arguments ?? [];
  const withoutUnit = (digits: string): string => `Write "${digits}GiB" or "${digits}MiB".`;
  if (said !== undefined && typeof first?.value === 'number') {
    sink.error(
      first.span,
      'number-without-unit',
      `"${said.word.name}" is a size, and ${first.source} has no unit`,
      withoutUnit(first.source),
    );
    return undefined;
  }
  const text = textOf(said, sink);
  if (text === undefined || said === undefined) return undefined;
  const bytes = parseSize(text.text);
  if (bytes !== undefined && bytes <= kdlLimits.sizeBytes) return bytes;
  if (bytes !== undefined) {
    const most = sizeText(kdlLimits.sizeBytes);
    sink.error(text.value.span, 'bad-size', `${quote(text.text)} is more than any machine has`, `The most is ${most}.`);
    return undefined;
  }
  const meant = meantSize(text.text);
  const bare = /^[0-9.]+$/.test(text.text);
  sink.error(
    text.value.span,
    bare ? 'number-without-unit' : 'bad-size',
    bare ? `"${said.word.name}" is a size, and ${quote(text.text)} has no unit` : `${quote(text.text)} is not a size`,
    bare
      ? withoutUnit(text.text)
      : meant !== undefined && parseSize(meant) !== undefined
        ? `Write "${meant}".`
        : 'Sizes are "512MiB", "4GiB"; the units are B, KiB, MiB, GiB, TiB.',
  );
  return undefined;
}

/** A number above nothing. `whole`: without a fraction. */
export function numberOf(
  said: Said | undefined,
  { whole, most }: { whole: boolean; most: number },
  sink: DiagnosticSink,
): number | undefined {
  const value = oneValueOf(said, '2', sink);
  if (value === undefined || said === undefined) return undefined;
  const name = said.word.name;
  const wanted = whole ? 'a whole number above 0' : 'a number above 0';
  if (typeof value.value !== 'number') {
    const digits =
      typeof value.value === 'string' && /^\d{1,9}(\.\d{1,3})?$/.test(value.value) ? value.value : undefined;
    sink.error(
      value.span,
      'bad-number',
      `"${name}" is ${wanted}, not ${value.value === null ? 'null' : `a ${typeof value.value === 'string' ? 'text' : 'boolean'}`}`,
      digits === undefined ? `Write ${name}=2.` : `Leave the quotes out: ${name}=${digits}.`,
    );
    return undefined;
  }
  if (!(value.value > 0 && value.value <= most) || (whole && !Number.isInteger(value.value))) {
    sink.error(
      value.span,
      'bad-number',
      `"${name}" is ${wanted}, and ${quote(value.source)} is ${value.value > most ? 'too much' : 'none'}`,
      value.value > most ? `The most is ${most}.` : `Write ${name}=2.`,
    );
    return undefined;
  }
  return value.value;
}
