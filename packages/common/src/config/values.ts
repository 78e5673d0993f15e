import { z } from 'zod';
import { isHostId, kdlLimits, parseDuration, parseSize } from '../kdl/index.js';
import { type Address, Secret } from './settings.js';

/** A value as it stands in the file or in a variable (there always a string). */
export type RawValue = string | number | boolean | null;

/** The kinds of values that settings have. `expected` ends the sentence "… is not …". */
export interface ValueKind<T> {
  expected: string;
  schema: z.ZodType<T>;
  /** True: the value is never quoted, also not when it is wrong. */
  secret: boolean;
}

function kind<T>(expected: string, schema: z.ZodType<T>, secret = false): ValueKind<T> {
  return { expected, schema, secret };
}

/** Strings that `read` understands; it answers undefined for the others. */
function text<T>(expected: string, read: (value: string) => T | undefined, secret = false): ValueKind<T> {
  const schema = z.string().transform((value, context) => {
    const result = read(value);
    if (result === undefined) {
      context.addIssue({ code: 'custom', message: expected });
      return z.NEVER;
    }
    return result;
  });
  return kind<T>(expected, schema, secret);
}

const matching = (pattern: RegExp) => (value: string) => (pattern.test(value) ? value : undefined);

function number(expected: string, accepts: (value: number) => boolean): ValueKind<number> {
  // Digits in quotes are numbers too: a variable has nothing else.
  const digits = z.string().regex(/^\d{1,15}(\.\d{1,6})?$/);
  return kind(expected, z.union([z.number(), digits.transform(Number)]).refine(accepts));
}

export const positiveNumber = number('a number above 0', (value) => value > 0 && Number.isFinite(value));
export const count = number('a whole number above 0', (value) => value > 0 && Number.isSafeInteger(value));

/** Bytes. */
export const size = text('a size with its unit, such as "512MiB" or "32GiB"', parseSize);

/** Milliseconds. */
export const duration = text('a time with its unit, such as "30s", "15m" or "2h"', (value) => {
  const ms = parseDuration(value);
  return ms !== undefined && ms > 0 && ms <= kdlLimits.durationMs ? ms : undefined;
});

export const path = text('a path', (value) => (value !== '' && !value.includes('\0') ? value : undefined));
export const word = text('a text', matching(/^[^\s\p{Cc}](?:[^\p{Cc}]*[^\s\p{Cc}])?$/u));

export const identifier = text(
  'an id: lower case letters, digits and dashes, at most 63, no dash at the ends',
  matching(/^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/),
);

export const repositoryName = text(
  'a repository\'s name, such as "acme/app"',
  matching(/^(?!\.)[\w.-]{1,100}(?:\/(?!\.)[\w.-]{1,100}){0,4}$/),
);

/** The name of a team, as a gate's `approvers "team:release"` has it. */
export const teamName = text(
  'the name of a team: letters, digits, dots, dashes and underscores, at most 100',
  matching(/^[\w][\w.-]{0,99}$/),
);

/** Who decides gates, as a gate's `approvers "user:ada"` has it. */
export const person = text('a name without spaces, at most 100 characters', matching(/^[^\s\p{Cc}]{1,100}$/u));

export const hostId = text('a host id: lower case letters, digits, dashes and dots, at most 253', (value) =>
  isHostId(value) ? value : undefined,
);

/** Port 0: any free one. IPv6 in brackets. */
export const address = text<Address>('an address and port, such as "127.0.0.1:8420" or "[::1]:8420"', (value) => {
  const [, bracketed, plain, digits] = /^(?:\[([0-9a-fA-F:.]+)\]|([A-Za-z0-9.-]+)):(\d{1,5})$/.exec(value) ?? [];
  const port = Number(digits);
  const host = bracketed ?? plain;
  return host !== undefined && port <= 65_535 ? { host, port } : undefined;
});

/** Without the slash at the end. No user, password, query or fragment: these would be shown with it. */
export const webUrl = text('an address such as "https://ci.example.org", without user, password or query', (value) => {
  const url = URL.canParse(value) ? new URL(value) : undefined;
  if (url === undefined || !/^https?:$/.test(url.protocol) || url.username !== '' || url.password !== '') {
    return undefined;
  }
  return url.search === '' && url.hash === '' ? value.replace(/\/+$/, '') : undefined;
});

/** What `git clone` takes: an address (no password in it: it would be shown) or `user@host:path`. */
export const cloneUrl = text('an address that git can clone, without a password', (value) => {
  if (URL.canParse(value)) {
    const url = new URL(value);
    return /^(https?|ssh|git|file):$/.test(url.protocol) && url.password === '' ? value : undefined;
  }
  return /^[\w.-]+@[\w.-]+:[^\s\p{Cc}]+$/u.test(value) ? value : undefined;
});

export const dockerAddress = text(
  'the address of a Docker engine, such as "unix:///var/run/docker.sock" or "tcp://127.0.0.1:2375"',
  matching(/^(?:unix:\/\/\/|tcp:\/\/|https?:\/\/)[^\s\p{Cc}]+$/u),
);

export const databaseUrl = text(
  'an address such as "postgres://user:password@host:5432/solstice"',
  (value) => (URL.canParse(value) && /^postgres(ql)?:/.test(value) ? new Secret(value) : undefined),
  true,
);

export const queueUrl = text(
  'an address such as "amqps://user:password@host:5671/vhost"',
  (value) => (URL.canParse(value) && /^amqps?:\/\/[^/]/.test(value) ? new Secret(value) : undefined),
  true,
);

export const secret = text(
  'a secret of one line',
  (value) => (/^[^\p{Cc}]+$/u.test(value) ? new Secret(value) : undefined),
  true,
);

export function oneOf<const T extends readonly [string, ...string[]]>(words: T): ValueKind<T[number]> {
  return kind(`one of ${words.map((value) => `"${value}"`).join(', ')}`, z.enum(words) as z.ZodType<T[number]>);
}
