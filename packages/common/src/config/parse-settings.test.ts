import { describe, expect, it } from 'vitest';
import { SolsticeError } from '../errors/index.js';
import { describeSettings } from './describe-settings.js';
import type { Environment } from './environment.js';
import { type Machine, parseSettings } from './parse-settings.js';
import type { ReadSecretFile } from './read-values.js';
import type { Settings } from './settings.js';

const machine: Machine = { cpus: 4, memoryBytes: 10 * 1024 ** 3, hostname: 'Alder', uid: 0, home: '/root' };
const file = '/etc/solstice/solstice.kdl';

function parse(text: string | undefined, env: Environment = {}, readSecretFile?: ReadSecretFile): Settings {
  return parseSettings(text, text === undefined ? undefined : file, env, machine, readSecretFile);
}

function problemsOf(text: string | undefined, env: Environment = {}, readSecretFile?: ReadSecretFile): string[] {
  try {
    parse(text, env, readSecretFile);
  } catch (thrown) {
    if (thrown instanceof SolsticeError && thrown.code === 'settings-invalid') {
      return thrown.message
        .split('\n')
        .slice(1)
        .map((line) => line.trim().replaceAll(`${file}:`, ''));
    }
    throw thrown;
  }
  return [];
}

const example = `
data_dir "data"
listen "0.0.0.0:8420"
public_url "https://ci.example.org/"
operator_listen "127.0.0.1:8421"
log_level "debug"
queue_url_file "queue-url"
queue_ca_file "broker-ca.pem"
queue_cert_file "/etc/solstice/node.pem"
queue_key_file "/etc/solstice/node.key"
health_listen "127.0.0.1:8422"
operator_token_file "operator.token"
secret_key_file "secret.key"
otlp_url "http://127.0.0.1:4318"
host id="alder" backend="auto" cpus=8 memory="32GiB" slots=8 image="debian:12" {
    log_cap "1MiB"
    file "host.kdl"
    detached_for "90s"
    at_stop "drain"
    drain_for "2h"
}
forge "code" kind="forgejo" url="https://code.example.org" {
    webhook_secret_file "webhook-secret"
    token_file "/etc/solstice/token"
    repository "acme/app"
    repository "acme/other" webhook_secret="own" url="ssh://git@code.example.org/acme/other.git"
}
forge "local" kind="git" { webhook-secret "s"; repository "sample" path="/srv/git/sample.git"; }
forge "hub" kind="github" token="t" webhook_secret="w" { repository "acme/web" }
team "release" "ada" "grace"
team "on-call" "ada"
`;
const secretFiles: ReadSecretFile = (path) => ({
  text: path.endsWith('queue-url') ? 'amqps://u:hunter2@broker/ci\n' : `in ${path}\n`,
  mode: 0o600,
});

describe('parseSettings', () => {
  it('reads every setting of the example', () => {
    const settings = parse(example, {}, secretFiles);
    expect(settings).toMatchObject({
      file,
      warnings: [],
      dataDirectory: '/etc/solstice/data',
      listen: { host: '0.0.0.0', port: 8420 },
      publicUrl: 'https://ci.example.org',
      operatorListen: { host: '127.0.0.1', port: 8421 },
      databaseUrl: undefined,
      queue: {
        caFile: '/etc/solstice/broker-ca.pem',
        certFile: '/etc/solstice/node.pem',
        keyFile: '/etc/solstice/node.key',
      },
      healthListen: { host: '127.0.0.1', port: 8422 },
      operatorTokenFile: '/etc/solstice/operator.token',
      secretKeyFile: '/etc/solstice/secret.key',
      otlpUrl: 'http://127.0.0.1:4318',
      logLevel: 'debug',
      host: {
        id: 'alder',
        backend: 'auto',
        cpus: 8,
        memoryBytes: 32 * 1024 ** 3,
        slots: 8,
        image: 'debian:12',
        logCapBytes: 1024 ** 2,
        file: '/etc/solstice/host.kdl',
        detachedForMs: 90_000,
        atStop: 'drain',
        drainForMs: 7_200_000,
      },
      teams: [
        { name: 'release', members: ['ada', 'grace'] },
        { name: 'on-call', members: ['ada'] },
      ],
    });
    expect(settings.queue?.url.reveal()).toBe('amqps://u:hunter2@broker/ci');
    const [code, local, hub] = settings.forges;
    expect(code?.webhookSecret?.reveal()).toBe('in /etc/solstice/webhook-secret');
    expect(code?.token?.reveal()).toBe('in /etc/solstice/token');
    expect(code?.repositories.map((repository) => [repository.name, repository.cloneUrl])).toEqual([
      ['acme/app', 'https://code.example.org/acme/app.git'],
      ['acme/other', 'ssh://git@code.example.org/acme/other.git'],
    ]);
    expect(code?.repositories[1]?.webhookSecret?.reveal()).toBe('own');
    expect(local?.repositories).toMatchObject([{ name: 'sample', cloneUrl: '/srv/git/sample.git' }]);
    expect(hub).toMatchObject({ url: 'https://api.github.com' });
    expect(hub?.repositories[0]?.cloneUrl).toBe('https://github.com/acme/web.git');
  });

  it('has a default for everything', () => {
    expect(parse(undefined)).toEqual({
      file: undefined,
      warnings: [],
      dataDirectory: '/var/lib/solstice',
      listen: { host: '127.0.0.1', port: 8420 },
      operatorListen: { host: '127.0.0.1', port: 8421 },
      publicUrl: undefined,
      databaseUrl: undefined,
      queue: undefined,
      healthListen: undefined,
      operatorTokenFile: undefined,
      secretKeyFile: undefined,
      otlpUrl: undefined,
      logLevel: 'info',
      host: {
        id: 'alder',
        backend: 'auto',
        cpus: 4,
        memoryBytes: 8 * 1024 ** 3,
        slots: 4,
        image: undefined,
        dockerHost: undefined,
        logCapBytes: 100 * 1024 ** 2,
        file: undefined,
        detachedForMs: 900_000,
        atStop: 'let-go',
        drainForMs: 600_000,
      },
      forges: [],
      teams: [],
    });
  });

  it.each([
    [{}, '/home/ada/.local/share/solstice'],
    [{ XDG_DATA_HOME: '/data' }, '/data/solstice'],
    [{ XDG_DATA_HOME: 'relative' }, '/home/ada/.local/share/solstice'],
    [{ SOLSTICE_DATA_DIR: 'here' }, '/work/here'],
  ])("puts an ordinary user's data, with %o, into %s", (env, expected) => {
    const user = { ...machine, uid: 1000, home: '/home/ada', workingDirectory: '/work' };
    expect(parseSettings(undefined, undefined, env, user).dataDirectory).toBe(expected);
  });

  it('reads a property and a child alike', () => {
    const properties = parse('forge id="a" kind="git" webhook_secret="s" { repository name="r" path="/r" }');
    const children = parse(
      'forge {\n id "a"\n kind "git"\n webhook_secret "s"\n repository {\n name "r"\n path "/r"\n }\n}',
    );
    expect(describeSettings(properties)).toBe(describeSettings(children));
  });

  it('tells all problems at once, each with its place', () => {
    const text = [
      'listn "127.0.0.1:1"',
      'host cpus=0 memory=32 colour="red" {',
      '    slots 1.5',
      '    slots 2',
      '}',
      'forge "code" kind="gitea"',
      'forge "Code" kind="git"',
      'forge "a" kind="forgejo" { repository "app" path="/x"; }',
      'forge "a" kind="git" token="t" { repository "r"; repositry "x"; }',
      'log_level "loud" "louder"',
      'log_level #true',
    ].join('\n');
    expect(problemsOf(text, { SOLSTICE_LISTEN: 'x', SOLSTICE_OPERATOR_LISTN: ':1', SOLSTICE_LOG_LEVEL: '' })).toEqual([
      '1:1: unknown setting "listn"; did you mean "listen"?',
      '2:6: cpus: 0 is not a number above 0',
      '2:13: memory: 32 is not a size with its unit, such as "512MiB" or "32GiB"',
      '2:23: unknown setting "colour" in host',
      '3:5: slots: 1.5 is not a whole number above 0',
      '4:5: slots is set twice, first at 3:5',
      '6:14: kind: "gitea" is not one of "forgejo", "github", "git"',
      '7:7: id: "Code" is not an id: lower case letters, digits and dashes, at most 63, no dash at the ends',
      '8:1: a forge of kind "forgejo" needs its url: url="https://code.example.org"',
      '8:39: name: "app" is not of the form "owner/name"',
      '8:45: path: a repository of a "forgejo" forge is cloned from the forge; it has no path',
      '9:7: forge "a" is there twice, first at 8:7',
      '9:22: a forge of kind "git" has no url and no token: it is a plain repository',
      '9:34: a repository of a "git" forge needs its path="/srv/git/app.git" or url="…"',
      '9:50: unknown setting "repositry" in forge; did you mean "repository"?',
      '10:1: log_level takes one value: log_level "…"',
      '11:1: log_level: true is not one of "trace", "debug", "info", "warn", "error"',
      'SOLSTICE_LOG_LEVEL: is empty: give it a value, or unset it',
      'SOLSTICE_OPERATOR_LISTN: unknown variable; did you mean SOLSTICE_OPERATOR_LISTEN?',
      'SOLSTICE_LISTEN: "x" is not an address and port, such as "127.0.0.1:8420" or "[::1]:8420"',
    ]);
  });

  it.each([
    ['forge "a" {\n    kind git=\n}', /^2:/],
    ['host id="a" true', /^1:/],
    ['host {', /^1:/],
  ])('places syntax errors: %j', (text, expected) => {
    const problems = problemsOf(text);
    expect(problems.length).toBeGreaterThan(0);
    expect(problems[0]).toMatch(expected);
  });

  it('survives a file that is deeper than the stack, and refuses a huge one', () => {
    expect(problemsOf('a {'.repeat(50_000))).not.toEqual([]);
    expect(problemsOf(`// ${'x'.repeat(300_000)}`)[0]).toMatch(/is larger than 256 KiB/);
  });

  it('lays variables over the file, also for forges', () => {
    const env = {
      SOLSTICE_LISTEN: '[::1]:0',
      SOLSTICE_HOST_CPUS: '2.5',
      SOLSTICE_HOST_DOCKER_HOST: 'tcp://127.0.0.1:2375',
      SOLSTICE_FORGE_MY_CODE_WEBHOOK_SECRET: 'from-variable',
      SOLSTICE_FORGE_MY_CODE_TOKEN_FILE: '/run/token',
      SOLSTICE_TEST_INSTALL: '1',
      SOLSTICE_URL: 'http://127.0.0.1:8421',
      SOLSTICE_CONFIG: file,
    };
    const text =
      'forge "my-code" kind="github" { webhook_secret_file "/gone"; token "inline"; }\nlisten "127.0.0.1:1"\nhost cpus=1';
    const settings = parse(text, env, (path) => {
      if (path !== '/run/token') {
        throw new Error(`read ${path}`);
      }
      return { text: 'from-file\r\n', mode: 0o400 };
    });
    expect(settings).toMatchObject({
      listen: { host: '::1', port: 0 },
      host: { cpus: 2.5, dockerHost: 'tcp://127.0.0.1:2375' },
    });
    expect(settings.forges[0]?.webhookSecret?.reveal()).toBe('from-variable');
    expect(settings.forges[0]?.token?.reveal()).toBe('from-file');
  });

  it("names the nearest variable of a forge that isn't there", () => {
    expect(
      problemsOf('forge "code" kind="git" webhook_secret="s"', { SOLSTICE_FORGE_CDOE_WEBHOOK_SECRET: 'x' }),
    ).toEqual([
      'SOLSTICE_FORGE_CDOE_WEBHOOK_SECRET: unknown variable; did you mean SOLSTICE_FORGE_CODE_WEBHOOK_SECRET?',
    ]);
  });

  describe('a secret in a file', () => {
    const text = 'forge "a" kind="git" webhook_secret_file="s"';
    it.each([
      [0o640, 1],
      [0o604, 1],
      [0o600, 0],
      [0o400, 0],
    ])('of mode %o gives %i warnings', (mode, expected) => {
      const { warnings } = parse(text, {}, () => ({ text: 'x', mode }));
      expect(warnings).toHaveLength(expected);
      expect(warnings.join()).not.toMatch(/undefined/);
    });
    it('that systemd gives to the service is not warned of, unless everybody may read it', () => {
      const given = 'forge "a" kind="git" webhook_secret_file="/run/credentials/solstice-forge.service/s"';
      expect(parse(given, {}, () => ({ text: 'x', mode: 0o440 })).warnings).toEqual([]);
      expect(parse(given, {}, () => ({ text: 'x', mode: 0o444 })).warnings).toHaveLength(1);
    });
    it('must be there, and not be empty', () => {
      const missing = () => {
        throw Object.assign(new Error('no'), { code: 'ENOENT' });
      };
      expect(problemsOf(text, {}, missing)).toEqual([
        '1:22: webhook_secret cannot be read from /etc/solstice/s (ENOENT)',
      ]);
      expect(problemsOf(text, {}, () => ({ text: '\n', mode: 0o600 }))).toEqual([
        '1:22: /etc/solstice/s is empty: it must hold webhook_secret',
      ]);
    });
    it('is not set twice', () => {
      expect(problemsOf(`${text} webhook_secret="x"`, {}, secretFiles)).toEqual([
        '1:22: webhook_secret is set too, at 1:46: keep one of the two',
      ]);
    });
  });

  it('never quotes a secret, also not a wrong one', () => {
    const problems = problemsOf(
      'database_url "hunter2"\nqueue_url "http://hunter2"\nforge "a" kind="git" webhook_secret="hunter2\\n" token=5',
    );
    expect(problems).toContain(
      '1:1: database_url: the value is not an address such as "postgres://user:password@host:5432/solstice"',
    );
    expect(problems.join('\n')).not.toContain('hunter2');
  });

  it.each([
    ['operator_listen "0.0.0.0:8421"', /operator API speaks plain HTTP/],
    ['listen "0.0.0.0:8420"', /public_url is not set/],
    ['forge "a" kind="github" webhook_secret="s"', /forge "a" has no token/],
  ])('warns of %s', (text, expected) => {
    expect(parse(text).warnings).toEqual([expect.stringMatching(expected)]);
  });

  it.each([
    'public_url "https://user:pass@ci.example.org"',
    'public_url "ftp://ci.example.org"',
    'public_url "https://ci.example.org/?a=b"',
    'listen "8420"',
    'listen "127.0.0.1:70000"',
    'listen "127.0.0.1:8421"',
    'forge "a" kind="git" webhook_secret="s" { repository "../etc" path="/x" }',
    'forge "a" kind="git" webhook_secret="s" { repository "r" url="https://u:p@example.org/r.git" }',
    'forge "a" kind="git" webhook_secret="s" { repository "r" path="/r"; repository "r" path="/s"; }',
    'host "a"\nhost "b"',
    'host "a" "b"',
    'forge "-a" kind="git"',
    'data_dir ""',
    'host memory="0B"',
    'host detached_for="15"',
    'host drain_for="0s"',
    'host at_stop="kill"',
    'health_listen "127.0.0.1:8420"',
    'health_listen "127.0.0.1:8421"',
    'queue_url "http://broker"',
    'queue_ca_file "/ca.pem"',
    'queue_url "amqp://broker"\nqueue_ca_file "/ca.pem"',
    'queue_url "amqps://broker"\nqueue_cert_file "/cert.pem"',
    'queue_url "amqps://broker"\nqueue_key_file "/key.pem"',
    'otlp_url "127.0.0.1:4318"',
    'team',
    'team "release"',
    'team "release" "ada" "ada"',
    'team "re lease" "ada"',
    'team "release" "ada lovelace"',
    'team "release" members="ada"',
    'team "release" "ada" { member "grace"; }',
    'team "release" "ada"\nteam "release" "grace"',
    'team "release" 7',
  ])('refuses %s', (text) => {
    expect(problemsOf(text)).toHaveLength(1);
  });
});

describe('describeSettings', () => {
  it('prints text that reads as the same settings, with every secret hidden', () => {
    const settings = parse(`${example}\ndatabase_url "postgres://u:hunter2@db/solstice"`, {}, secretFiles);
    const text = describeSettings(settings);
    expect(text).not.toMatch(/hunter2|in \/etc|"own"|"s"|"t"|"w"/);
    expect(text.match(/\[secret\]/g)).toHaveLength(8);
    const again = parse(
      text
        .replace('database_url "[secret]"', 'database_url "postgres://u:hunter2@db/solstice"')
        .replace('queue_url "[secret]"', 'queue_url "amqps://u:hunter2@broker/ci"'),
    );
    expect(again).toEqual(settings);
  });

  it.each(['500ms', '90s', '15m', '36h'])('says a time as it can be read again: %s', (time) => {
    expect(describeSettings(parse(`host detached_for="${time}"`))).toContain(`detached_for "${time}"`);
  });
});
