import { createHmac, randomUUID } from 'node:crypto';

/** A delivery as a repository's hook would send it, once; gives the status of the answer, 0 for none. */
export async function postPush(
  publicUrl: string,
  secret: string,
  push: { repository: string; ref: string; after: string },
): Promise<number> {
  const body = JSON.stringify({ ...push, before: '0'.repeat(40), pusher: 'ada' });
  const signature = createHmac('sha256', secret).update(body).digest('hex');
  try {
    const response = await fetch(`${publicUrl}/webhooks/local`, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        'x-solstice-event': 'push',
        'x-solstice-delivery': randomUUID(),
        'x-solstice-signature-256': `sha256=${signature}`,
      },
      body,
      signal: AbortSignal.timeout(20_000),
    });
    await response.arrayBuffer();
    return response.status;
  } catch {
    return 0;
  }
}
