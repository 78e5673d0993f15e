import { spawn } from 'node:child_process';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { GitCredential } from '../git.js';

export interface GitServerOptions {
  /** Basic authentication with these two, or 401. */
  credential?: GitCredential;
  /** Every request is sent there. */
  redirectTo?: string;
  /** Takes requests and never answers. */
  stall?: boolean;
}

/** git's own smart HTTP server, for the repositories below one directory. */
export class GitServer {
  requests = 0;
  readonly authorizations: string[] = [];
  readonly #server: Server;

  private constructor(
    readonly root: string,
    readonly options: GitServerOptions,
  ) {
    this.#server = createServer((request, response) => this.#answer(request, response));
  }

  static async start(root: string, options: GitServerOptions = {}): Promise<GitServer> {
    const server = new GitServer(root, options);
    await new Promise<void>((resolve) => server.#server.listen(0, '127.0.0.1', resolve));
    return server;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #answer(request: IncomingMessage, response: ServerResponse): void {
    const { credential, redirectTo, stall } = this.options;
    this.requests += 1;
    if (request.headers.authorization !== undefined) this.authorizations.push(request.headers.authorization);
    if (stall === true) return;
    const isKnown = request.headers.authorization === basic(credential);
    if (redirectTo !== undefined && isKnown) {
      response.writeHead(302, { location: `${redirectTo}${request.url}` }).end();
    } else if (credential !== undefined && !isKnown) {
      response.writeHead(401, { 'www-authenticate': 'Basic realm="test"' }).end();
    } else {
      this.#serve(request, response);
    }
  }

  #serve(request: IncomingMessage, response: ServerResponse): void {
    const url = new URL(request.url ?? '/', this.url);
    const backend = spawn('git', ['http-backend'], {
      env: {
        PATH: '/usr/bin:/bin',
        GIT_PROJECT_ROOT: this.root,
        GIT_HTTP_EXPORT_ALL: '1',
        PATH_INFO: decodeURIComponent(url.pathname),
        QUERY_STRING: url.search.slice(1),
        REQUEST_METHOD: request.method ?? 'GET',
        CONTENT_TYPE: request.headers['content-type'] ?? '',
        HTTP_CONTENT_ENCODING: request.headers['content-encoding'] ?? '',
        GIT_PROTOCOL: String(request.headers['git-protocol'] ?? ''),
      },
      stdio: ['pipe', 'pipe', 'ignore'],
    });
    request.pipe(backend.stdin).on('error', () => undefined);
    const chunks: Uint8Array[] = [];
    backend.stdout.on('data', (chunk: Uint8Array) => chunks.push(chunk));
    backend.on('close', () => {
      const answer = Buffer.concat(chunks);
      const headEnd = answer.indexOf('\r\n\r\n');
      const headers = answer.toString('latin1', 0, headEnd).split('\r\n');
      let status = 200;
      for (const header of headers) {
        const [name = '', value = ''] = header.split(/: (.*)/s);
        if (name === 'Status') status = Number.parseInt(value, 10);
        else if (name !== '') response.setHeader(name, value);
      }
      response.writeHead(status).end(answer.subarray(headEnd + 4));
    });
  }
}

function basic(credential: GitCredential | undefined): string | undefined {
  if (credential === undefined) return undefined;
  return `Basic ${Buffer.from(`${credential.username}:${credential.token}`).toString('base64')}`;
}
