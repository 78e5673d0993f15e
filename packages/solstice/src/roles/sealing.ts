import { SolsticeError, toError } from '@solstice/common/errors';
import type { PartHealth } from '@solstice/common/loops';
import type { Sealer } from '@solstice/common/secrets';
import type { Store } from '@solstice/common/store';

/** Can every webhook secret in the database be opened with this node's key? Else its webhooks would be refused here. */
export async function sealingHealth(store: Pick<Store, 'repositories'>, sealer: Sealer): Promise<PartHealth> {
  const names: string[] = [];
  let reason = '';
  for (const { name, sealedWebhookSecret } of await store.repositories.list()) {
    if (sealedWebhookSecret === undefined) continue;
    try {
      sealer.unseal(sealedWebhookSecret);
    } catch (error) {
      names.push(name);
      reason = toError(error).message;
    }
  }
  if (names.length === 0) return { ok: true, detail: `key ${sealer.keyId} opens every webhook secret` };
  const others = names.length === 1 ? '' : ` (and of ${names.length - 1} more)`;
  return { ok: false, detail: `the webhook secret of ${names[0]}${others} cannot be opened: ${reason}` };
}

/** Throws `sealed-value-unreadable` if it is not so: better not there than refusing webhooks that are right. */
export async function assertSealingKey(store: Pick<Store, 'repositories'>, sealer: Sealer): Promise<void> {
  const { ok, detail } = await sealingHealth(store, sealer);
  if (ok) return;
  throw new SolsticeError('sealed-value-unreadable', detail, {
    hint: 'Set secret_key_file to the key that the other nodes have. If that key is lost: start with --new-secret-key, and set each of these webhook secrets again.',
  });
}
