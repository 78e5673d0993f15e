const tracesPath = '/v1/traces';

/** What the exporter needs to know of the address: the whole path, and name and password as a header of their own. */
export function collectorAddress(otlpUrl: string): { url: string; headers: Record<string, string> } {
  const url = new URL(otlpUrl);
  const { username, password } = url;
  url.username = '';
  url.password = '';
  const path = url.pathname.replace(/\/+$/, '');
  url.pathname = path.endsWith(tracesPath) ? path : `${path}${tracesPath}`;
  if (username === '' && password === '') return { url: url.href, headers: {} };
  const credentials = Buffer.from(`${decodeURIComponent(username)}:${decodeURIComponent(password)}`).toString('base64');
  return { url: url.href, headers: { authorization: `Basic ${credentials}` } };
}
