import { createServer } from 'node:net';
import { describe, expect, it } from 'vitest';
import { claimPort } from './claimed-port.js';

describe('a port that was claimed', () => {
  it('is nobody else’s until it is given back, and is free for a server all the while', async () => {
    const claims = await Promise.all(Array.from({ length: 300 }, () => claimPort()));
    try {
      expect(new Set(claims.map(({ port }) => port)).size).toBe(300);
      for (const { port } of claims) expect(port).toBeLessThan(32_768);
      const server = createServer();
      await new Promise<void>((resolve, reject) =>
        server.once('error', reject).listen(claims[0]?.port, '127.0.0.1', resolve),
      );
      await new Promise((resolve) => server.close(resolve));
    } finally {
      for (const claim of claims) await claim.release();
      await claims[0]?.release();
    }
  });
});
