import { SolsticeError } from '@solstice/common/errors';
import type { Repository, ScheduleReading } from '@solstice/common/store';
import type { FastifyInstance } from 'fastify';
import type { ForgePort, OperatorApiDeps } from '../deps.js';
import { parseInput } from '../operator/errors.js';
import { repositoryBodySchema } from '../requests.js';
import { readingView } from '../schedules/reading-view.js';
import type { RepositoryAnswer, RepositoryView } from '../schemas.js';

export function registerRepositoryRoutes(app: FastifyInstance, deps: OperatorApiDeps): void {
  const forges = new Map(deps.forges.map((forge) => [forge.id, forge]));

  app.get('/repositories', async () => {
    const [repositories, readings] = await Promise.all([
      deps.store.repositories.list(),
      deps.store.scheduleLooks.readings(),
    ]);
    const reading = new Map(readings.map((one) => [one.repositoryId, one]));
    return {
      repositories: repositories.map((repository) => ({
        ...repositoryView(repository, forges.get(repository.forge)),
        ...withReading(repository, reading.get(repository.id)),
      })),
    };
  });

  app.post('/repositories', async (request, reply): Promise<RepositoryAnswer> => {
    const body = parseInput(repositoryBodySchema, request.body ?? {});
    const forge = findForge(deps.forges, body.forge);
    const before = (await deps.store.repositories.list()).find(
      (repository) => repository.forge === forge.id && repository.name === body.name,
    );
    const cloneUrl = body.cloneUrl ?? before?.cloneUrl ?? forge.cloneUrl(body.name);
    if (cloneUrl === undefined) {
      throw new SolsticeError('usage', `Where the repository "${body.name}" lies has to be told.`, {
        hint: 'Add --path with its directory or address.',
      });
    }
    const secretKnown = body.webhookSecret !== undefined || before?.sealedWebhookSecret !== undefined;
    if (!secretKnown && forge.webhookSecretPlace === undefined && !deps.dev) {
      throw new SolsticeError('webhook-secret-missing', `Neither "${body.name}" nor its forge has a webhook secret.`, {
        hint: 'Add --generate-secret, or --secret-file with one.',
      });
    }
    const repository = await deps.store.repositories.upsert({
      forge: forge.id,
      forgeRepositoryId: before?.forgeRepositoryId,
      name: body.name,
      cloneUrl,
      defaultBranch: body.defaultBranch ?? before?.defaultBranch,
      sealedWebhookSecret:
        body.webhookSecret === undefined ? before?.sealedWebhookSecret : deps.sealSecret(body.webhookSecret),
      origin: before?.origin ?? 'operator',
    });
    reply.code(before ? 200 : 201);
    return {
      repository: repositoryView(repository, forge),
      forgeKind: forge.kind,
      webhookSecretPlace: secretKnown
        ? 'sealed in the database, for this repository alone'
        : (forge.webhookSecretPlace ?? 'there is none: --dev lets webhooks in without'),
    };
  });
}

function findForge(forges: readonly ForgePort[], id: string | undefined): ForgePort {
  const known = forges.map((forge) => forge.id).join(', ') || 'none yet; add one to solstice.kdl';
  const hint = `The forges: ${known}.`;
  const found = id === undefined ? forges : forges.filter((forge) => forge.id === id);
  if (id === undefined && found.length !== 1) {
    throw new SolsticeError('usage', 'Which forge the repository is of has to be told (--forge).', { hint });
  }
  if (!found[0]) throw new SolsticeError('not-found', `There is no forge "${id}".`, { hint });
  return found[0];
}

function withReading({ name }: Repository, reading: ScheduleReading | undefined): Pick<RepositoryView, 'schedules'> {
  return reading === undefined ? {} : { schedules: readingView(reading, name) };
}

function repositoryView(repository: Repository, forge: ForgePort | undefined): RepositoryView {
  const ownSecret = repository.sealedWebhookSecret !== undefined;
  return {
    id: repository.id,
    forge: repository.forge,
    name: repository.name,
    cloneUrl: withoutPassword(repository.cloneUrl),
    ...(repository.defaultBranch !== undefined && { defaultBranch: repository.defaultBranch }),
    origin: repository.origin,
    ...(forge && { webhookUrl: forge.webhookUrl() }),
    webhookSecret: ownSecret ? 'repository' : forge?.webhookSecretPlace === undefined ? 'none' : 'forge',
    createdAt: repository.createdAt.toISOString(),
  };
}

/** People put credentials into addresses; they don't come out again. */
function withoutPassword(url: string): string {
  return url.replace(/^([a-z][a-z0-9+.-]*:\/\/)[^/@]*@/i, '$1');
}
