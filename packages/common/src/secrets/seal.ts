import { createCipheriv, createDecipheriv, createHash, randomBytes, randomUUID } from 'node:crypto';
import { link, mkdir, open, readFile, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { SolsticeError } from '../errors/index.js';

/** Encrypts what has to lie in the database but must not be readable there. */
export interface Sealer {
  /** First 8 bytes, in hex, of a hash of the key: tells which key a sealed value needs, and nothing else about it. */
  readonly keyId: string;
  /** AES-256-GCM; two calls never give the same bytes. */
  seal(plaintext: string): Uint8Array;
  /** Rejects with `sealed-value-unreadable` for another key, or bytes that were changed or cut. */
  unseal(sealed: Uint8Array): string;
}

const KEY_BYTES = 32;
const FORMAT_VERSION = 1;
const KEY_ID_BYTES = 8;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
const HEADER_BYTES = 1 + KEY_ID_BYTES;

/** A sealed value is: version (1 byte), key id (8), nonce (12), ciphertext, tag (16). Version and key id are authenticated too. */
export function createSealer(key: Uint8Array): Sealer {
  if (key.length !== KEY_BYTES) throw new RangeError(`a sealing key has ${KEY_BYTES} bytes, this has ${key.length}`);
  const ownKey = Buffer.from(key);
  const keyId = createHash('sha256')
    .update('solstice sealing key id\0')
    .update(ownKey)
    .digest()
    .subarray(0, KEY_ID_BYTES);
  const header = Buffer.concat([Buffer.of(FORMAT_VERSION), keyId]);

  return {
    keyId: keyId.toString('hex'),
    seal(plaintext) {
      const nonce = randomBytes(NONCE_BYTES);
      const cipher = createCipheriv('aes-256-gcm', ownKey, nonce).setAAD(header);
      const body = Buffer.concat([cipher.update(plaintext, 'utf8'), cipher.final()]);
      return new Uint8Array(Buffer.concat([header, nonce, body, cipher.getAuthTag()]));
    },
    unseal(sealed) {
      const bytes = Buffer.from(sealed);
      if (bytes.length < HEADER_BYTES + NONCE_BYTES + TAG_BYTES || bytes[0] !== FORMAT_VERSION) {
        throw new SolsticeError('sealed-value-unreadable', 'this is not a value sealed by this version of Solstice');
      }
      const sealedWith = bytes.subarray(1, HEADER_BYTES);
      if (!sealedWith.equals(keyId)) {
        throw new SolsticeError(
          'sealed-value-unreadable',
          `the value was sealed with key ${sealedWith.toString('hex')}, and this is key ${keyId.toString('hex')}`,
        );
      }
      const decipher = createDecipheriv(
        'aes-256-gcm',
        ownKey,
        bytes.subarray(HEADER_BYTES, HEADER_BYTES + NONCE_BYTES),
        {
          authTagLength: TAG_BYTES,
        },
      )
        .setAAD(bytes.subarray(0, HEADER_BYTES))
        .setAuthTag(bytes.subarray(-TAG_BYTES));
      try {
        return Buffer.concat([
          decipher.update(bytes.subarray(HEADER_BYTES + NONCE_BYTES, -TAG_BYTES)),
          decipher.final(),
        ]).toString('utf8');
      } catch (cause) {
        throw new SolsticeError('sealed-value-unreadable', 'the sealed value was changed since it was written', {
          cause,
        });
      }
    },
  };
}

/**
 * The sealing key in the file (64 hex digits), made with mode 0600 if there is none. Any number of processes may call
 * it at once on one file system: all get the same key.
 */
export async function loadOrCreateKey(path: string): Promise<Uint8Array> {
  const found = await readKey(path);
  if (found) return found;
  await mkdir(dirname(path), { recursive: true });
  const draft = `${path}.${randomUUID()}`;
  try {
    const file = await open(draft, 'wx', 0o600);
    try {
      await file.writeFile(`${randomBytes(KEY_BYTES).toString('hex')}\n`);
      await file.sync();
    } finally {
      await file.close();
    }
    // A link never replaces: the first of several processes wins, and nobody ever sees half a key.
    await link(draft, path);
  } catch (error) {
    if (!hasCode(error, 'EEXIST')) throw unusable(path, error);
  } finally {
    await rm(draft, { force: true });
  }
  const made = await readKey(path);
  if (!made) throw new SolsticeError('data-directory-unusable', `${path} vanished just after it was written`);
  return made;
}

/** The sealing key in the file. Rejects with `data-directory-unusable`, also when there is no such file: it is never made. */
export async function loadKey(path: string): Promise<Uint8Array> {
  const key = await readKey(path);
  if (key) return key;
  throw new SolsticeError('data-directory-unusable', `the key file ${path} is not there`, {
    hint: 'Copy secret.key from a node that has it. For a new fleet make one: openssl rand -hex 32 > secret.key; chmod 600 secret.key',
  });
}

async function readKey(path: string): Promise<Uint8Array | undefined> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return undefined;
    throw unusable(path, error);
  }
  if (!/^[0-9a-f]{64}\s*$/i.test(text)) {
    throw new SolsticeError('data-directory-unusable', `${path} does not hold a key: 64 hex digits are expected`, {
      hint: 'Restore the file from a backup. With a new key, every webhook secret has to be set again.',
    });
  }
  return new Uint8Array(Buffer.from(text.trim(), 'hex'));
}

function unusable(path: string, cause: unknown): SolsticeError {
  return new SolsticeError('data-directory-unusable', `the key file ${path} cannot be read or made`, { cause });
}

function hasCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code;
}
