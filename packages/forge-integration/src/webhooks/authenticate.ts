import { Secret } from '@solstice/common/config';
import type { Sealer } from '@solstice/common/secrets';
import type { Repository } from '@solstice/common/store';
import type { Logger } from '@solstice/common/telemetry';
import type { Forge, WebhookHeaders } from '../forges/forge.js';

/** Whose word a delivery is. */
export type Authenticity =
  | { kind: 'refused'; reason: string }
  | {
      kind: 'authentic';
      /** May the delivery speak for this repository (undefined: for none, or one that is not known)? */
      speaksFor(repository: Repository | undefined): boolean;
    };

/**
 * Compares the signature with the forge's secret and each of its repositories'. A repository with a secret of its own
 * takes no other, and that secret counts for nothing else.
 */
export function authenticate(request: {
  forge: Forge;
  headers: WebhookHeaders;
  rawBody: Uint8Array;
  /** All of this forge. */
  repositories: readonly Repository[];
  sealer: Sealer;
  /** With --dev: where no secret is set at all, none is asked for. */
  allowUnsigned: boolean;
  logger: Logger;
}): Authenticity {
  const { forge, repositories, sealer, logger } = request;
  const candidates: { secret: Secret; repositoryId: string | undefined }[] = [];
  if (forge.webhookSecret && forge.webhookSecret.reveal() !== '') {
    candidates.push({ secret: forge.webhookSecret, repositoryId: undefined });
  }
  const withOwn = repositories.filter((repository) => repository.sealedWebhookSecret !== undefined);
  for (const { id, name, sealedWebhookSecret } of withOwn) {
    if (sealedWebhookSecret === undefined) continue;
    try {
      candidates.push({ secret: new Secret(sealer.unseal(sealedWebhookSecret)), repositoryId: id });
    } catch (err) {
      logger.error(
        { err, forge: forge.id, repository: name },
        'a webhook secret cannot be opened; its webhooks are refused',
      );
    }
  }
  if (candidates.length === 0) {
    if (request.allowUnsigned && withOwn.length === 0) return { kind: 'authentic', speaksFor: () => true };
    return { kind: 'refused', reason: `no webhook secret is set for forge ${forge.id}` };
  }
  const matches = forge.verify(
    request.headers,
    request.rawBody,
    candidates.map(({ secret }) => secret),
  );
  const signers = new Set(candidates.filter((_, index) => matches[index]).map(({ repositoryId }) => repositoryId));
  if (signers.size === 0) return { kind: 'refused', reason: 'the signature is missing, or made with another secret' };
  return {
    kind: 'authentic',
    speaksFor: (repository) => signers.has(repository?.sealedWebhookSecret === undefined ? undefined : repository.id),
  };
}
