import type { ForgePort, OperatorApiDeps } from '@solstice/api';
import { defaultCloneUrl, type ForgeSettings } from '@solstice/common/config';
import type { Planner } from '@solstice/forge-integration';

/** The forges of the settings, as the operator API speaks of them. */
export function forgePorts(forges: readonly ForgeSettings[], publicUrl: () => string): ForgePort[] {
  return forges.map((forge) => ({
    id: forge.id,
    kind: forge.kind,
    webhookUrl: () => `${publicUrl()}/webhooks/${forge.id}`,
    cloneUrl: (repositoryName) => defaultCloneUrl(forge, repositoryName),
    webhookSecretPlace:
      forge.webhookSecret === undefined ? undefined : `the webhook secret of forge "${forge.id}" in the settings`,
  }));
}

/** A trigger by hand is planned as a push of that commit would be. */
export function triggerOf(planner: Planner): OperatorApiDeps['trigger'] {
  return (request) => planner.planManually(request);
}
