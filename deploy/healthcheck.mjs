// For HEALTHCHECK: is this process ready? Prints what it says of itself, which `docker inspect` then shows.
const address = process.env.SOLSTICE_HEALTH_LISTEN ?? '127.0.0.1:8422';
const port = address.slice(address.lastIndexOf(':') + 1);
try {
  const answer = await fetch(`http://127.0.0.1:${port}/readyz`, { signal: AbortSignal.timeout(4_000) });
  console.log(await answer.text());
  process.exitCode = answer.ok ? 0 : 1;
} catch (error) {
  console.log(`nobody answers on port ${port}: ${error.cause?.code ?? error.message}`);
  process.exitCode = 1;
}
