import type { ForgeSettings } from '@solstice/common/config';
import { SolsticeError } from '@solstice/common/errors';
import type { Repository } from '@solstice/common/store';

/**
 * Throws `webhook-secret-missing`, naming every forge and repository whose webhooks nobody could trust. With `dev`,
 * never: such a forge then takes unsigned webhooks. `repositories`: what the store has, added by an operator or not.
 */
export function assertWebhookSecrets(
  forges: readonly ForgeSettings[],
  repositories: readonly Repository[],
  options: { dev: boolean },
): void {
  if (options.dev) return;
  const missing = forges.flatMap((forge) => {
    if (forge.webhookSecret !== undefined && forge.webhookSecret.reveal() !== '') return [];
    const hasOwn = new Map<string, boolean>();
    for (const stored of repositories) {
      if (stored.forge === forge.id) hasOwn.set(stored.name, stored.sealedWebhookSecret !== undefined);
    }
    for (const set of forge.repositories) {
      const own = set.webhookSecret !== undefined && set.webhookSecret.reveal() !== '';
      hasOwn.set(set.name, own || hasOwn.get(set.name) === true);
    }
    if (hasOwn.size === 0) return [`forge ${forge.id}`];
    const without = [...hasOwn.keys()].filter((name) => !hasOwn.get(name)).sort();
    return without.map((name) => `repository ${name} of forge ${forge.id}`);
  });
  if (missing.length === 0) return;
  throw new SolsticeError('webhook-secret-missing', `no webhook secret is set for ${missing.join(', ')}`);
}
