import { spawn } from 'node:child_process';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { BareRepository } from './bare-repository.js';

/**
 * Answers git's smart HTTP for one repository, with git's own CGI program: clone, fetch and push are the real ones.
 * `rest` is what follows the repository in the path: `/info/refs`, `/git-upload-pack`, …
 */
export async function serveGit(
  git: BareRepository,
  rest: string,
  query: string,
  request: IncomingMessage,
  body: Buffer,
  response: ServerResponse,
): Promise<void> {
  const child = spawn('git', ['http-backend'], {
    env: {
      PATH: process.env.PATH,
      HOME: '/nonexistent',
      PATH_TRANSLATED: `${git.path}${rest}`,
      PATH_INFO: rest,
      GIT_HTTP_EXPORT_ALL: '1',
      QUERY_STRING: query,
      REQUEST_METHOD: request.method,
      CONTENT_TYPE: request.headers['content-type'] ?? '',
      CONTENT_LENGTH: String(body.length),
      HTTP_CONTENT_ENCODING: String(request.headers['content-encoding'] ?? ''),
      GIT_PROTOCOL: String(request.headers['git-protocol'] ?? ''),
      REMOTE_ADDR: '127.0.0.1',
      // Whoever got here has the token, and may push.
      REMOTE_USER: 'mira',
      GIT_CONFIG_COUNT: '1',
      GIT_CONFIG_KEY_0: 'safe.directory',
      GIT_CONFIG_VALUE_0: '*',
    },
    // Its complaints come to the client as well.
    stdio: ['pipe', 'pipe', 'ignore'],
  });
  child.stdin.on('error', () => {});
  child.stdin.end(body);
  const chunks: Buffer[] = [];
  for await (const chunk of child.stdout) chunks.push(chunk as Buffer);
  const output = Buffer.concat(chunks);
  const end = output.indexOf('\r\n\r\n');
  const headers = output.subarray(0, Math.max(end, 0)).toString('latin1').split('\r\n');
  for (const header of headers) {
    const [, name, value] = /^([^:]+): *(.*)$/.exec(header) ?? [];
    if (name?.toLowerCase() === 'status') response.statusCode = Number.parseInt(value ?? '', 10);
    else if (name && value !== undefined) response.setHeader(name, value);
  }
  if (end < 0) response.statusCode = 500;
  response.end(output.subarray(end + 4));
}

/** Is this the token, as git or an API client gives it? */
export function carriesToken(authorization: string | undefined, token: string): boolean {
  const [, scheme = '', value = ''] = /^(\S+) +(.+)$/.exec(authorization ?? '') ?? [];
  if (/^(?:token|bearer)$/i.test(scheme)) return value === token;
  return /^basic$/i.test(scheme) && Buffer.from(value, 'base64').toString('utf8').endsWith(`:${token}`);
}
