import { request } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';

/**
 * Containers, networks and volumes with our labels.
 *
 * @param {string} socketPath of the Docker engine
 * @returns {Promise<{ id: string, title: string, path: string, isOf: (folder: string) => boolean }[]>}
 */
export async function dockerObjects(socketPath) {
  const query = `filters=${encodeURIComponent(JSON.stringify({ label: ['solstice.host'] }))}`;
  const containers = await call(socketPath, 'GET', `/containers/json?all=1&${query}`);
  const networks = await call(socketPath, 'GET', `/networks?${query}`);
  const { Volumes: volumes } = await call(socketPath, 'GET', `/volumes?${query}`);
  const mounts = (host) =>
    containers.filter(({ Labels }) => Labels['solstice.host'] === host).flatMap(({ Mounts }) => Mounts ?? []);
  const object = (kind, id, name, labels) => ({
    id,
    title: `${kind} ${name}`,
    path: kind === 'container' ? `/containers/${id}?force=1&v=1` : `/${kind}s/${id}`,
    // A worker's mounts say whose it is; its network goes with it by the name of the host.
    isOf: (folder) => mounts(labels['solstice.host']).some(({ Source }) => Source?.startsWith(`${folder}/`)),
  });
  return [
    ...containers.map(({ Id, Names, Labels }) => object('container', Id, Names.join(' '), Labels)),
    ...networks.map(({ Id, Name, Labels }) => object('network', Id, Name, Labels)),
    ...(volumes ?? []).map(({ Name, Labels }) => object('volume', Name, Name, Labels)),
  ];
}

/**
 * What is there now and was not before; it gets a moment to go. What surely is of this run is removed: others may
 * work with the same engine.
 *
 * @param {string} socketPath
 * @param {Set<string>} idsBefore
 * @param {string} temporaryRoot of this run
 * @returns {Promise<string[]>} one line for each
 */
export async function takeDockerLeftovers(socketPath, idsBefore, temporaryRoot) {
  const deadline = performance.now() + 5_000;
  const find = async () => (await dockerObjects(socketPath)).filter(({ id }) => !idsBefore.has(id));
  let left = await find();
  while (left.length > 0 && performance.now() < deadline) {
    await delay(200);
    left = await find();
  }
  for (const { path, isOf } of left) {
    if (isOf(temporaryRoot)) {
      await call(socketPath, 'DELETE', path).catch(() => {});
    }
  }
  return left.map(({ title }) => title);
}

function call(socketPath, method, path) {
  return new Promise((resolve, reject) => {
    const outgoing = request({ socketPath, method, path, timeout: 10_000 }, (response) => {
      let text = '';
      response.setEncoding('utf8');
      response.on('data', (part) => {
        text += part;
      });
      response.on('end', () => {
        if (response.statusCode < 300) {
          resolve(text === '' ? undefined : JSON.parse(text));
        } else {
          reject(new Error(`Docker answered ${response.statusCode} to ${path}: ${text}`));
        }
      });
    });
    outgoing.on('timeout', () => outgoing.destroy(new Error(`Docker did not answer ${path}`)));
    outgoing.on('error', reject);
    outgoing.end();
  });
}
