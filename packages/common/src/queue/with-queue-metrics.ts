import type { Metrics } from '../telemetry/index.js';
import type { Queue } from './queue.js';

/** The same queue, counted. Put on once, where the parts are put together. */
export function withQueueMetrics(queue: Queue, metrics: Metrics): Queue {
  let lossesTold = 0;
  const look = (): void => {
    const losses = queue.losses?.() ?? 0;
    metrics.count('solstice_queue_connections_lost_total', {}, losses - lossesTold);
    lossesTold = losses;
    metrics.set('solstice_queue_connected', {}, queue.state() === 'connected' ? 1 : 0);
  };
  const forget = metrics.onScrape(look);
  return {
    publish: async (posts) => {
      const beganMs = performance.now();
      let result = 'failed';
      try {
        await queue.publish(posts);
        result = 'confirmed';
        for (const { message } of posts) metrics.count('solstice_relay_published_total', { kind: message.kind });
      } finally {
        metrics.observe('solstice_queue_publish_seconds', { result }, (performance.now() - beganMs) / 1_000);
      }
    },
    subscribe: (subscription, handler) =>
      queue.subscribe(subscription, async (message, about) => {
        let result = 'failed';
        try {
          await handler(message, about);
          result = 'handled';
        } finally {
          metrics.count('solstice_queue_messages_total', { kind: message.kind, result });
        }
      }),
    onDeadLetter: (handler) => queue.onDeadLetter(handler),
    state: () => queue.state(),
    problem: () => queue.problem(),
    losses: () => queue.losses?.() ?? 0,
    close: async () => {
      forget();
      await queue.close();
    },
  };
}
