import { createHash } from 'node:crypto';
import path from 'node:path';
import { SolsticeError } from '@solstice/common/errors';

/** A clone address that git may be given, with no credential in it. */
export interface CloneAddress {
  url: string;
  /** `https://host:port`, for which alone a credential is meant; undefined: it is not fetched over HTTP. */
  origin: string | undefined;
  /** What the address itself carried; it is taken out of it. */
  credential: { username: string; token: string } | undefined;
  /** The mirror's directory: readable, and of its own for every address. */
  directoryName: string;
}

const SCP_LIKE = /^(?:[A-Za-z0-9_][A-Za-z0-9_.-]*@)?[A-Za-z0-9][A-Za-z0-9.-]*:(?!:|\/\/)./;
const URL_LIKE = /^(https?|ssh|git|file):\/\//;

/** An absolute path, an address of http(s), ssh, git or file, or `user@host:path`. Throws `source-unavailable` for anything else. */
export function parseCloneUrl(cloneUrl: string): CloneAddress {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what must not get through.
  if (/[\x00-\x1f\x7f]/.test(cloneUrl)) throw refused(cloneUrl);
  if (cloneUrl.startsWith('/')) return address(cloneUrl);
  if (URL_LIKE.test(cloneUrl)) return parseUrl(cloneUrl);
  if (SCP_LIKE.test(cloneUrl)) return address(cloneUrl);
  throw refused(cloneUrl);
}

function parseUrl(cloneUrl: string): CloneAddress {
  let url: URL;
  try {
    url = new URL(cloneUrl);
  } catch {
    throw refused(cloneUrl);
  }
  if (url.protocol !== 'http:' && url.protocol !== 'https:') return address(cloneUrl);
  const { username, password } = url;
  url.username = '';
  url.password = '';
  const credential =
    password === '' ? undefined : { username: decodeURIComponent(username), token: decodeURIComponent(password) };
  return address(url.href, url.origin, credential);
}

function address(url: string, origin?: string, credential?: CloneAddress['credential']): CloneAddress {
  const last = path.posix.basename(url.replace(/[?#].*$/, '')).replace(/\.git$/, '');
  const readable = last
    .replace(/[^A-Za-z0-9_.-]+/g, '-')
    .replace(/^[.-]+/, '')
    .slice(0, 40);
  const hash = createHash('sha256').update(url).digest('hex').slice(0, 16);
  return { url, origin, credential, directoryName: `${readable === '' ? 'repository' : readable}-${hash}.git` };
}

function refused(cloneUrl: string): SolsticeError {
  const shown = JSON.stringify(cloneUrl.replace(/:\/\/[^/@]*@/, '://…@'));
  return new SolsticeError('source-unavailable', `not an address of a repository: ${shown}`, { retryable: false });
}

const COMMIT = /^(?:[0-9a-f]{40}|[0-9a-f]{64})$/;

/** A whole object name; everything else (an option, a revision expression) could mean something to git. */
export function checkCommit(commit: string): void {
  if (COMMIT.test(commit)) return;
  throw new SolsticeError('source-unavailable', `not a commit: ${JSON.stringify(commit)}`, { retryable: false });
}

/** What `git check-ref-format` says, of full names only. */
export function checkRef(ref: string): void {
  const parts = ref.split('/');
  const isGood =
    parts[0] === 'refs' &&
    parts.length >= 2 &&
    parts.every((part) => part !== '' && !part.startsWith('.') && !part.endsWith('.lock')) &&
    !ref.endsWith('.') &&
    !ref.includes('..') &&
    !ref.includes('@{') &&
    // biome-ignore lint/suspicious/noControlCharactersInRegex: git forbids them in a ref.
    !/[\x00-\x20\x7f~^:?*[\\]/.test(ref);
  if (isGood) return;
  throw new SolsticeError('source-unavailable', `not a full name of a ref: ${JSON.stringify(ref)}`, {
    retryable: false,
  });
}
