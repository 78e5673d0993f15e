import { Client, type ClientConfig } from 'pg';

/** How long the end of the store waits for answers before it hangs up. */
export const END_WITHIN_MS = 3_000;

/**
 * A connection that can be hung up on, and that never ends the process.
 *
 * pg's own end() says goodbye and waits until the server has hung up: behind a cut network, or with a server that was
 * suspended, for as long as TCP believes in it. And its pool listens for the errors of idle connections only, and hands
 * one over a moment before its new owner can listen: an error in between (the server shuts down) would end the process.
 * What that error means is told by the query that fails.
 */
export class BreakableClient extends Client {
  constructor(config?: ClientConfig) {
    super(config);
    this.on('error', () => undefined);
  }

  /** Hangs up, whatever is under way on it: that then fails as with any broken connection. */
  breakOff(): void {
    const { connection } = this as unknown as { connection: { stream: { destroy(): void } } };
    connection.stream.destroy();
  }
}
