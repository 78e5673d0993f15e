import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** Files. */
export interface TestCertificates {
  ca: string;
  server: { cert: string; key: string };
  client: { cert: string; key: string };
  /** Of an authority that signed nothing here. */
  otherCa: string;
}

/** An authority, a server certificate for localhost and 127.0.0.1, and one for a client: by openssl, for a day. */
export async function makeCertificates(directory: string): Promise<TestCertificates> {
  const file = (name: string): string => path.join(directory, name);
  const authority = async (name: string): Promise<string> => {
    const names = ['-subj', `/CN=${name}`, '-keyout', file(`${name}.key`), '-out', file(`${name}.pem`)];
    await openssl('req', '-x509', '-newkey', 'ec', '-pkeyopt', CURVE, '-noenc', '-days', '1', ...names);
    return file(`${name}.pem`);
  };
  const signed = async (name: string): Promise<{ cert: string; key: string }> => {
    const [request, extensions] = [file(`${name}.csr`), file(`${name}.ext`)];
    await writeFile(extensions, 'subjectAltName = DNS:localhost, IP:127.0.0.1\n');
    const names = ['-subj', `/CN=${name}`, '-keyout', file(`${name}.key`), '-out', request];
    await openssl('req', '-new', '-newkey', 'ec', '-pkeyopt', CURVE, '-noenc', ...names);
    const by = ['-CA', file('ca.pem'), '-CAkey', file('ca.key'), '-CAcreateserial', '-extfile', extensions];
    await openssl('x509', '-req', '-days', '1', '-in', request, '-out', file(`${name}.pem`), ...by);
    return { cert: file(`${name}.pem`), key: file(`${name}.key`) };
  };
  const ca = await authority('ca');
  const otherCa = await authority('other-ca');
  return { ca, otherCa, server: await signed('server'), client: await signed('client') };
}

const CURVE = 'ec_paramgen_curve:P-256';

async function openssl(...args: string[]): Promise<void> {
  await run('openssl', args);
}
