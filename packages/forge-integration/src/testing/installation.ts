import { randomBytes, randomUUID } from 'node:crypto';
import { join } from 'node:path';
import type { Clock } from '@solstice/common/clock';
import { type ForgeSettings, Secret } from '@solstice/common/config';
import { createSealer, type Sealer } from '@solstice/common/secrets';
import { createMemoryStore, type Repository, type Store } from '@solstice/common/store';
import { createLogger, type Metrics, type Tracing } from '@solstice/common/telemetry';
import {
  BareRepository,
  ForgejoServer,
  GithubServer,
  type HostedRepository,
  type TemporaryDirectory,
  temporaryDirectory,
  WebhookSender,
} from '@solstice/testing';
import { type FastifyInstance, fastify } from 'fastify';
import { createForges, type Forges } from '../forges/create-forges.js';
import type { Ids } from '../planner/draft-plan.js';
import { registerWebhooks } from '../webhooks/webhook-routes.js';
import { type FaultyStore, faultyStore } from './faulty-store.js';

export const FORGE_TOKEN = 'forge-token-4711';
export const WEBHOOK_SECRET = 'webhook-secret-0815';
export const WORKFLOW = `workflow name="Build" {
    on "push" branches="main release/*"
    job id="test" {
        step name="Say" run="echo hello"
    }
}
`;

/** The forge side of an installation: three forges with a real repository each, the inbox, and the webhook routes. */
export interface Installation extends AsyncDisposable {
  directory: TemporaryDirectory;
  clock: Clock & { advance(ms: number): void };
  faulty: FaultyStore;
  store: Store;
  sealer: Sealer;
  forges: Forges;
  settings: ForgeSettings[];
  github: GithubServer;
  forgejo: ForgejoServer;
  /** By forge id: `hub`, `forgejo`, `local`. */
  repositories: Record<'hub' | 'forgejo' | 'local', { row: Repository; hosted: HostedRepository }>;
  app: FastifyInstance;
  /** `http://127.0.0.1:<port>/webhooks/<forge>` */
  hookUrl(forge: string): string;
  sender(kind: 'github' | 'forgejo'): WebhookSender;
}

export const silent = createLogger({ level: 'silent' });

export const testIds: Ids = { runId: randomUUID, pageKey: () => randomBytes(16).toString('base64url') };

export interface InstallationOptions {
  allowUnsigned?: boolean;
  /** False: no forge has a webhook secret. */
  secrets?: boolean;
  /** Default: in memory. Closed with the installation. */
  makeStore?: (clock: Clock) => Promise<Store>;
  /** False: nobody has looked at the default branches yet, so a planner begins with that. */
  looked?: boolean;
  /** Of the webhook routes. */
  telemetry?: { metrics?: Metrics; tracing?: Tracing };
}

export async function makeInstallation(options: InstallationOptions = {}): Promise<Installation> {
  const directory = await temporaryDirectory('solstice-forge-');
  let skewMs = 0;
  const clock = {
    now: () => new Date(Date.now() + skewMs),
    monotonicMs: () => performance.now() + skewMs,
    advance: (ms: number) => {
      skewMs += ms;
    },
  };
  const inMemory = async (clock: Clock) => createMemoryStore({ clock, idSource: randomUUID });
  const faulty = faultyStore(await (options.makeStore ?? inMemory)(clock));
  const { store } = faulty;
  const sealer = createSealer(randomBytes(32));
  const github = await GithubServer.start({ token: FORGE_TOKEN });
  const forgejo = await ForgejoServer.start({ token: FORGE_TOKEN });
  const webhookSecret = options.secrets === false ? undefined : new Secret(WEBHOOK_SECRET);
  const settings: ForgeSettings[] = [
    { id: 'hub', kind: 'github', url: github.url, token: new Secret(FORGE_TOKEN), webhookSecret, repositories: [] },
    {
      id: 'forgejo',
      kind: 'forgejo',
      url: `${forgejo.url}/`,
      token: new Secret(FORGE_TOKEN),
      webhookSecret,
      repositories: [],
    },
    { id: 'local', kind: 'git', url: undefined, token: undefined, webhookSecret, repositories: [] },
  ];
  const environment = { PATH: process.env.PATH, HOME: directory.path };
  const forges = createForges(settings, {
    logger: silent,
    cacheDirectory: join(directory.path, 'cache'),
    environment,
    clock,
  });

  const host = async (forge: 'hub' | 'forgejo' | 'local', id: number, name: string) => {
    const git = await BareRepository.create(join(directory.path, `${forge}.git`));
    const hosted: HostedRepository = { id, fullName: name, defaultBranch: 'main', git };
    if (forge === 'hub') github.host(hosted);
    if (forge === 'forgejo') forgejo.host(hosted);
    const row = await store.repositories.upsert({
      forge,
      forgeRepositoryId: undefined,
      name,
      cloneUrl: git.path,
      defaultBranch: undefined,
      sealedWebhookSecret: undefined,
      origin: 'settings',
    });
    return { row, hosted };
  };
  const repositories = {
    hub: await host('hub', 501, 'team/tool'),
    forgejo: await host('forgejo', 7, 'team/tool'),
    local: await host('local', 0, 'hello'),
  };

  if (options.looked !== false) await lookAtAll(store);

  const app = fastify();
  const { allowUnsigned = false, telemetry } = options;
  registerWebhooks(app, { store, forges, sealer, logger: silent, allowUnsigned, ...telemetry });
  await app.listen({ host: '127.0.0.1', port: 0 });
  const address = app.server.address();
  const port = typeof address === 'object' && address ? address.port : 0;
  const hookUrl = (forge: string) => `http://127.0.0.1:${port}/webhooks/${forge}`;
  return {
    directory,
    clock,
    faulty,
    store,
    sealer,
    forges,
    settings,
    github,
    forgejo,
    repositories,
    app,
    hookUrl,
    sender: (kind) =>
      new WebhookSender(kind, { url: hookUrl(kind === 'github' ? 'hub' : 'forgejo'), secret: WEBHOOK_SECRET }),
    async [Symbol.asyncDispose]() {
      await app.close();
      await Promise.all([github.close(), forgejo.close()]);
      await store.close();
      await directory.remove();
    },
  };
}

/** What the forges are asked is then only what the deliveries of a test bring about. */
async function lookAtAll({ scheduleLooks }: Store): Promise<void> {
  for (;;) {
    const look = await scheduleLooks.take({ exceptForges: [], holdMs: 60_000 });
    if (look === undefined) return;
    await scheduleLooks.end(look, 'the repository is empty');
  }
}
