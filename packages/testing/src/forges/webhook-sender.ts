import { createHmac, randomUUID } from 'node:crypto';
import type { Hook, HostedRepository } from './api-server.js';
import { forgejoPayloads } from './forgejo-payloads.js';
import { githubPayloads } from './github-payloads.js';
import { NO_COMMIT, type Payload, type PayloadCommit, type PayloadPush } from './payload.js';

export interface DeliveryOptions {
  /** The same again is a redelivery. Default: a new one. */
  deliveryId?: string;
  /** Sign with this in place of the hook's secret. */
  secret?: string;
  /** Beside those of the forge. */
  headers?: Record<string, string>;
}

/** The headers that GitHub sends with these bytes. */
export function githubHeaders(
  event: string,
  secret: string,
  body: Uint8Array | string,
  deliveryId: string = randomUUID(),
): Record<string, string> {
  return {
    'content-type': 'application/json',
    'user-agent': 'GitHub-Hookshot/044aadd',
    'x-github-event': event,
    'x-github-delivery': deliveryId,
    'x-github-hook-id': '109948940',
    'x-github-hook-installation-target-id': '90210',
    'x-github-hook-installation-target-type': 'repository',
    ...(secret !== '' && {
      'x-hub-signature': `sha1=${createHmac('sha1', secret).update(body).digest('hex')}`,
      'x-hub-signature-256': `sha256=${sha256(secret, body)}`,
    }),
  };
}

/** The headers that Forgejo sends with these bytes: its own, Gitea's, Gogs's and GitHub's, all at once. */
export function forgejoHeaders(
  event: string,
  secret: string,
  body: Uint8Array | string,
  deliveryId: string = randomUUID(),
): Record<string, string> {
  // Empty, and not absent, when the hook has no secret.
  const signature = secret === '' ? '' : sha256(secret, body);
  const sha1 = secret === '' ? '' : createHmac('sha1', secret).update(body).digest('hex');
  const headers: Record<string, string> = { 'content-type': 'application/json' };
  for (const family of ['forgejo', 'gitea', 'gogs']) {
    headers[`x-${family}-delivery`] = deliveryId;
    headers[`x-${family}-event`] = event;
    headers[`x-${family}-event-type`] = event;
    headers[`x-${family}-signature`] = signature;
  }
  return {
    ...headers,
    'x-hub-signature': `sha1=${sha1}`,
    'x-hub-signature-256': `sha256=${signature}`,
    'x-github-delivery': deliveryId,
    'x-github-event': event,
    'x-github-event-type': event,
  };
}

/** Sends webhooks for what happens in a hosted repository, as its forge would. */
export class WebhookSender {
  readonly #kind: 'github' | 'forgejo';
  readonly #hook: Hook;
  readonly #seen = new Map<string, Map<string, string>>();

  constructor(kind: 'github' | 'forgejo', hook: Hook) {
    this.#kind = kind;
    this.#hook = hook;
  }

  async deliver(payload: Payload, options: DeliveryOptions = {}): Promise<Response> {
    const body = JSON.stringify(payload.body);
    const headersFor = this.#kind === 'github' ? githubHeaders : forgejoHeaders;
    const headers = headersFor(payload.event, options.secret ?? this.#hook.secret, body, options.deliveryId);
    return fetch(this.#hook.url, { method: 'POST', headers: { ...options.headers, ...headers }, body });
  }

  /** The refs as they are now count as known: only later changes are sent. */
  async watch(repository: HostedRepository): Promise<void> {
    this.#seen.set(repository.fullName, await repository.git.refs());
  }

  /** One push (for a new tag also a create) for each ref that changed since the last look. */
  async sendChanges(repository: HostedRepository, login = 'mira'): Promise<Response[]> {
    const before = this.#seen.get(repository.fullName) ?? new Map<string, string>();
    const after = await repository.git.refs();
    this.#seen.set(repository.fullName, after);
    const responses: Response[] = [];
    for (const ref of new Set([...before.keys(), ...after.keys()])) {
      const from = before.get(ref) ?? NO_COMMIT;
      const to = after.get(ref) ?? NO_COMMIT;
      if (from !== to) responses.push(await this.deliver(await this.pushOf(repository, ref, from, to, login)));
    }
    return responses;
  }

  /** A push of one ref, with the commits that are really in the repository. */
  async pushOf(
    repository: HostedRepository,
    ref: string,
    before: string,
    after: string,
    login = 'mira',
  ): Promise<Payload> {
    const { git } = repository;
    const range = before === NO_COMMIT ? [after, '-1'] : [`${before}..${after}`];
    const listed = after === NO_COMMIT ? '' : await git.git('rev-list', '--reverse', ...range).catch(() => after);
    const ids = listed.split('\n').filter((id) => id !== '');
    const commits = await Promise.all(ids.map((id) => describe(repository, id)));
    const forced =
      before !== NO_COMMIT &&
      after !== NO_COMMIT &&
      (await git.git('merge-base', '--is-ancestor', before, after).then(
        () => false,
        () => true,
      ));
    const push: PayloadPush = {
      repository: { ...repository, webUrl: 'https://forge.example' },
      ref,
      before,
      after,
      forced,
      commits,
      head: after === NO_COMMIT ? undefined : await describe(repository, after),
      login,
    };
    return this.#kind === 'github' ? githubPayloads.push(push) : forgejoPayloads.push(push);
  }
}

async function describe({ git }: HostedRepository, revision: string): Promise<PayloadCommit> {
  const id = await git.git('rev-parse', `${revision}^{commit}`);
  const shown = await git.git('show', '--no-patch', '--format=%cI%n%B', id);
  const [timestamp = '', ...message] = shown.split('\n');
  return { id, timestamp, message: message.join('\n'), added: [], modified: [], removed: [] };
}

function sha256(secret: string, body: Uint8Array | string): string {
  return createHmac('sha256', secret).update(body).digest('hex');
}
