import { type ChannelModel, connect, type Options } from 'amqplib';
import { SolsticeError, toError } from '../../errors/index.js';

export interface BrokerAddress {
  /** `amqp://` or `amqps://`, with user, password and vhost. Never logged. */
  url: string;
  /** PEM texts. The broker's certificate is always verified: by `ca`, or by the authorities that Node.js knows. */
  tls?: { ca?: string; cert?: string; key?: string };
}

const CONNECT_DEADLINE_MS = 10_000;
/** A peer that is silent for about two of these has gone. */
const HEARTBEAT_SECONDS = 10;

/** The address in amqplib's words, and how to call it in messages. Rejects a url that is none. */
export function readAddress({ url, tls }: BrokerAddress): {
  where: string;
  open(connectionName: string): Promise<ChannelModel>;
} {
  const parsed = URL.canParse(url) ? new URL(url) : undefined;
  const protocol = parsed?.protocol;
  if (!parsed || (protocol !== 'amqp:' && protocol !== 'amqps:') || parsed.hostname === '') {
    // Not quoted: it may hold a password.
    throw new SolsticeError('settings-invalid', 'queue_url is not an address: amqp://user:password@host/vhost');
  }
  const hostname = parsed.hostname.replace(/^\[|\]$/g, '');
  const port = Number(parsed.port) || (protocol === 'amqps:' ? 5671 : 5672);
  const vhost = parsed.pathname.length > 1 ? parsed.pathname.slice(1) : '%2F';
  const heartbeat = Number(parsed.searchParams.get('heartbeat') ?? HEARTBEAT_SECONDS);
  const address: Options.Connect = { protocol: protocol.slice(0, -1), hostname, port, vhost, heartbeat };
  if (parsed.username !== '') {
    address.username = decodeURIComponent(parsed.username);
    address.password = decodeURIComponent(parsed.password);
  }
  const where = `${protocol}//${parsed.hostname}:${port}/${vhost}`;
  return {
    where,
    async open(connectionName) {
      try {
        return await connect(address, {
          timeout: CONNECT_DEADLINE_MS,
          noDelay: true,
          keepAlive: true,
          clientProperties: { connection_name: connectionName },
          ...(protocol === 'amqps:' ? { ...tls, rejectUnauthorized: true } : {}),
        });
      } catch (error) {
        throw explain(toError(error), where);
      }
    },
  };
}

/** What went wrong between us and the broker, where, and the way out. */
export function explain(error: Error, where: string): SolsticeError {
  if (error instanceof SolsticeError) return error;
  const { message } = error;
  const code = 'code' in error ? String(error.code) : '';
  if (/ACCESS.REFUSED/.test(message) && /Login|authentication|Handshake/i.test(message)) {
    return refused(`RabbitMQ at ${where} refuses the user name or the password`, error, 'Check queue_url.');
  }
  if (/ACCESS.REFUSED/.test(message)) {
    const hint = 'Give the user the permissions configure, write and read on solstice.* in this vhost.';
    return refused(`RabbitMQ at ${where} does not permit it: ${said(message)}`, error, hint);
  }
  // The second is amqplib's word for a farewell in answer to the vhost's name.
  if (/NOT.ALLOWED|got <ConnectionClose/.test(message)) {
    const hint = 'Make the vhost and give the user permissions in it, or name another in queue_url.';
    return refused(`RabbitMQ at ${where} does not let the user into this vhost`, error, hint);
  }
  if (/PRECONDITION.FAILED/.test(message)) {
    const hint =
      'Delete the queue or exchange that it names; Solstice makes it anew, and the rows are all still there.';
    return refused(`at ${where} something is there with other arguments: ${said(message)}`, error, hint);
  }
  if (/^(ERR_TLS|ERR_SSL|CERT_|DEPTH_ZERO|SELF_SIGNED|UNABLE_TO_(VERIFY|GET_ISSUER)|HOSTNAME_MISMATCH)/.test(code)) {
    const hint = 'Set queue_ca_file to the authority that signed its certificate, and use the name that stands in it.';
    return refused(`the certificate of RabbitMQ at ${where} is not trusted: ${message}`, error, hint);
  }
  return new SolsticeError('queue-unavailable', `RabbitMQ at ${where} does not answer: ${message}`, { cause: error });
}

function refused(message: string, cause: Error, hint: string): SolsticeError {
  return new SolsticeError('queue-refused', message, { cause, hint });
}

/** The broker's own sentence, without amqplib's frame around it. */
function said(message: string): string {
  return /with message "(.*?)"/s.exec(message)?.[1] ?? message;
}
