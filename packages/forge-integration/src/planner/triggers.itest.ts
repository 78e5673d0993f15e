import { randomUUID } from 'node:crypto';
import { Secret } from '@solstice/common/config';
import type { Delivery, RunDetail } from '@solstice/common/store';
import {
  eventually,
  examplePullRequest,
  forgejoPayloads,
  githubPayloads,
  NO_COMMIT,
  type PayloadPullRequest,
} from '@solstice/testing';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { sendGitPush } from '../index.js';
import { createRelay } from '../relay/relay.js';
import { Doorbell } from '../testing/doorbell.js';
import { type Installation, makeInstallation, silent, testIds, WEBHOOK_SECRET } from '../testing/installation.js';
import { createPlanner, type Planner } from './planner.js';

let here: Installation;
let planner: Planner;
let relay: { stop(): Promise<void> };
const crashes: string[] = [];
beforeEach(async () => {
  here = await makeInstallation();
  crashes.length = 0;
  const onCrash = (error: Error, name: string) => void crashes.push(`${name}: ${error.stack}`);
  const bell = new Doorbell();
  const { store, forges, clock } = here;
  const common = { store, queue: bell, logger: silent, onCrash, sweepMs: 200 };
  const made = createRelay(common);
  planner = createPlanner({ ...common, forges, ids: testIds, clock });
  await made.start();
  await planner.start();
  relay = made;
});
afterEach(async () => {
  await planner.stop();
  await relay.stop();
  expect([...here.github.unknownRequests, ...here.forgejo.unknownRequests]).toEqual([]);
  await here[Symbol.asyncDispose]();
  expect(crashes).toEqual([]);
});

type Kind = 'hub' | 'forgejo';
const file = (on: string, name = 'Build') =>
  `workflow name="${name}" {\n${on}\n    job id="test" { step run="true"; }\n}\n`;
const settled = (id: string): Promise<Delivery> =>
  eventually(async () => {
    const delivery = await here.store.deliveries.get(id);
    return delivery && delivery.state !== 'received' ? delivery : undefined;
  });
async function answered(response: Response): Promise<{ delivery: string; state: string; redelivery?: true }> {
  expect(response.status).toBe(202);
  return (await response.json()) as { delivery: string; state: string };
}
const runs = async (): Promise<RunDetail[]> => {
  const listed = await here.store.runs.list({ limit: 100 });
  return Promise.all(listed.map(async ({ id }) => (await here.store.runs.find({ id })) as RunDetail));
};
const envOf = (run: RunDetail | undefined) => {
  const node = run?.spec.nodes[0];
  return node?.kind === 'job' ? node.env : undefined;
};

/** A push as its forge tells it, to wherever it may be sent. */
async function push(which: Kind | 'local', ref: string, before: string, after: string): Promise<Delivery> {
  const { hosted } = here.repositories[which];
  if (which !== 'local') {
    const sender = here.sender(which === 'hub' ? 'github' : 'forgejo');
    const response = await sender.deliver(await sender.pushOf(hosted, ref, before, after));
    return settled((await answered(response)).delivery);
  }
  const sent = await sendGitPush({
    url: here.hookUrl('local'),
    secret: new Secret(WEBHOOK_SECRET),
    deliveryId: randomUUID(),
    push: { repository: 'hello', ref, before, after, pusher: 'mira' },
    signal: AbortSignal.timeout(5_000),
  });
  return settled((sent.answer as { delivery: string }).delivery);
}

describe.each(['hub', 'forgejo', 'local'] as const)('tags: %s', (which) => {
  test('lightweight and annotated, by pattern; a deleted one is nothing', async () => {
    const { git } = here.repositories[which].hosted;
    const commit = await git.commit({
      files: {
        '.solstice/a.kdl': file('    on "tag" match="v*"', 'Release'),
        '.solstice/b.kdl': file('    on "push"'),
        '.solstice/c.kdl': file('    on "tag" match="w*"', 'Other'),
      },
    });
    await git.git('tag', 'v1', commit);
    await git.git('tag', '-a', '-m', 'two', 'v2', commit);
    expect(await push(which, 'refs/tags/v1', NO_COMMIT, commit)).toMatchObject({
      state: 'planned',
      reason: 'Build: it has no on "tag"; this is tag v1; Other: on "tag" wants w*; this is v1',
    });
    expect(await runs()).toMatchObject([
      {
        workflow: 'Release',
        trigger: { event: 'tag', actor: 'mira' },
        source: { ref: 'refs/tags/v1', commit },
        spec: { values: { branch: '', tag: 'v1', sha: commit, short_sha: commit.slice(0, 7), event: 'tag' } },
      },
    ]);
    if (which !== 'local') {
      const object = await git.git('rev-parse', 'v2');
      expect(object).not.toBe(commit);
      expect(await push(which, 'refs/tags/v2', NO_COMMIT, object)).toMatchObject({ state: 'planned' });
      expect((await runs())[0]?.source.commit).toBe(commit);
    }
    expect(await push(which, 'refs/tags/v1', commit, NO_COMMIT)).toMatchObject({
      state: 'ignored',
      reason: 'tag v1 was deleted',
    });
  });
});

describe.each(['hub', 'forgejo', 'local'] as const)('paths: %s', (which) => {
  const SOURCES = file('    on "push" paths="src/**" ignore="**/*.md"');
  const git = () => here.repositories[which].hosted.git;
  const commit = (branch: string, files: Record<string, string>, parents?: string[]) =>
    git().commit({ branch, files: { '.solstice/a.kdl': SOURCES, ...files }, ...(parents && { parents }) });

  test('are those of all commits of the push, more than a webhook lists', async () => {
    const first = await commit('main', { x: '0' });
    await commit('main', { x: '0', 'src/a': '1' });
    let last = first;
    for (let index = 1; index < 8; index++) last = await commit('main', { x: String(index), 'src/a': '1' });
    expect(await push(which, 'refs/heads/main', first, last)).toMatchObject({ state: 'planned', reason: undefined });
    const docs = await commit('main', { x: '8', 'src/a': '1', 'src/read.md': '1' });
    expect(await push(which, 'refs/heads/main', last, docs)).toMatchObject({
      state: 'ignored',
      reason: 'Build: on "push" wants src/**; x changed',
    });
    expect(await runs()).toHaveLength(1);
  });

  test('of a new branch are what the default branch does not have', async () => {
    const main = await commit('main', { 'src/a': '1' });
    const topic = await commit('topic', { 'src/a': '1', x: '1' }, [main]);
    const other = await commit('other', { 'src/a': '2' }, [main]);
    await commit('main', { 'src/a': '3' });
    expect(await push(which, 'refs/heads/topic', NO_COMMIT, topic)).toMatchObject({ state: 'ignored' });
    expect(await push(which, 'refs/heads/other', NO_COMMIT, other)).toMatchObject({ state: 'planned' });
  });

  test('of the first push of the default branch cannot be told: it runs, and says so', async () => {
    const main = await commit('main', { x: '1' });
    expect(await push(which, 'refs/heads/main', NO_COMMIT, main)).toMatchObject({
      state: 'planned',
      reason: 'Build runs whatever its paths say: main is new, with nothing to be compared with',
    });
  });

  test('of a forced push are also those that it took away', async () => {
    const base = await commit('main', { x: '1' });
    const before = await commit('topic', { x: '1', 'src/a': '1' }, [base]);
    const without = await commit('topic', { x: '2' }, [base]);
    expect(await push(which, 'refs/heads/topic', before, without)).toMatchObject({ state: 'planned' });
    const another = await commit('topic', { x: '3' }, [base]);
    expect(await push(which, 'refs/heads/topic', without, another)).toMatchObject({ state: 'ignored' });
  });

  test('against a commit that is gone cannot be told: it runs, and says so', async () => {
    const main = await commit('main', { x: '1' });
    expect(await push(which, 'refs/heads/main', 'dead'.repeat(10), main)).toMatchObject({
      state: 'planned',
      reason: expect.stringContaining('deaddead and'),
    });
  });
});

describe('paths, while the forge cannot compare', () => {
  test.each(['hub', 'forgejo'] as const)(
    '%s: the delivery waits; after a while it runs without',
    async (which) => {
      const server = which === 'hub' ? here.github : here.forgejo;
      const { hosted } = here.repositories[which];
      const files = { '.solstice/a.kdl': file('    on "push" paths="src/**"') };
      const before = await hosted.git.commit({ files });
      const after = await hosted.git.commit({ files: { ...files, x: '1' } });
      server.misbehave({ times: 1_000, status: 502, when: ({ path }) => path.includes('/compare/') });
      const sender = here.sender(which === 'hub' ? 'github' : 'forgejo');
      const response = await sender.deliver(await sender.pushOf(hosted, 'refs/heads/main', before, after));
      const { delivery: id } = await answered(response);
      for (let tries = 1; tries <= 8; tries++) {
        const waiting = await eventually(async () => {
          const delivery = await here.store.deliveries.get(id);
          return delivery && delivery.tries >= tries ? delivery : undefined;
        });
        expect(waiting).toMatchObject({ state: 'received', reason: expect.stringContaining('HTTP 502') });
        expect(waiting.nextTryAt?.getTime()).toBeGreaterThan(here.clock.now().getTime());
        here.clock.advance(10 * 60_000);
      }
      expect(await settled(id)).toMatchObject({
        state: 'planned',
        reason: expect.stringMatching(/runs whatever its paths say: .*HTTP 502/),
      });
      expect(await runs()).toHaveLength(1);
    },
    60_000,
  );

  test('GitHub, with more files than it lists: it runs, and says so', async () => {
    const { git } = here.repositories.hub.hosted;
    const files = { '.solstice/a.kdl': file('    on "push" paths="src/**"') };
    const before = await git.commit({ files });
    const many = Object.fromEntries(Array.from({ length: 301 }, (_, index) => [`f${index}`, '1']));
    const after = await git.commit({ files: { ...files, ...many } });
    expect(await push('hub', 'refs/heads/main', before, after)).toMatchObject({
      state: 'planned',
      reason: expect.stringContaining('no more than 300'),
    });
  });

  test('nothing is compared when no workflow asks', async () => {
    const { git } = here.repositories.hub.hosted;
    const before = await git.commit({ files: { '.solstice/a.kdl': file('    on "push"') } });
    const after = await git.commit({ files: { '.solstice/a.kdl': file('    on "push"'), x: '1' } });
    expect(await push('hub', 'refs/heads/main', before, after)).toMatchObject({ state: 'planned' });
    expect(here.github.requests.filter(({ path }) => path.includes('/compare/'))).toEqual([]);
  });
});

/** A repository with `main`, a branch `tabs` of it, and what a fork's pull request leaves in its object store. */
async function reviewed(which: Kind, on = '    on "pull_request"\n    on "comment" match="/bench"') {
  const { hosted } = here.repositories[which];
  const server = which === 'hub' ? here.github : here.forgejo;
  const payloads = which === 'hub' ? githubPayloads : forgejoPayloads;
  const files = { '.solstice/a.kdl': file(on) };
  const base = await hosted.git.commit({ files });
  const head = await hosted.git.commit({ branch: 'tabs', files: { ...files, 'src/a': '1' }, parents: [base] });
  const evil = await hosted.git.commit({ branch: 'evil', files: { ...files, evil: '1' }, parents: [base] });
  await hosted.git.git('update-ref', 'refs/pull/7/head', evil);
  await hosted.git.git('update-ref', '-d', 'refs/heads/evil');
  const repository = { ...hosted, webUrl: 'https://forge.example' };
  const fork = { ...repository, id: 666, fullName: 'eve/tool' };
  const hosting = (overrides: Partial<Parameters<typeof server.hostPull>[1]> = {}) =>
    server.hostPull(hosted.fullName, {
      number: 7,
      headRepositoryId: hosted.id,
      headBranch: 'tabs',
      headCommit: head,
      baseBranch: 'main',
      baseCommit: base,
      ...overrides,
    });
  hosting();
  const sender = here.sender(which === 'hub' ? 'github' : 'forgejo');
  const payload = (overrides: Partial<PayloadPullRequest> = {}) =>
    payloads.pullRequest(examplePullRequest({ repository, headCommit: head, baseCommit: base, ...overrides }));
  const pull = async (overrides: Partial<PayloadPullRequest> = {}, deliveryId: string = randomUUID()) =>
    settled((await answered(await sender.deliver(payload(overrides), { deliveryId }))).delivery);
  let comments = 100;
  const comment = async (login: string, body = '/bench', id = ++comments) => {
    const made = payloads.comment({ repository, number: 7, onPullRequest: true, action: 'created', id, body, login });
    return settled((await answered(await sender.deliver(made))).delivery);
  };
  const filesRead = () => server.requests.filter(({ path }) => path.includes('/contents/')).length;
  return {
    hosted,
    server,
    git: hosted.git,
    files,
    base,
    head,
    evil,
    fork,
    hosting,
    sender,
    payload,
    pull,
    comment,
    filesRead,
  };
}

describe.each(['hub', 'forgejo'] as const)('pull requests: %s', (which) => {
  test('of the repository itself run, and are told on the head', async () => {
    const { head, base, pull } = await reviewed(which);
    expect(await pull()).toMatchObject({ state: 'planned' });
    expect(await runs()).toMatchObject([
      {
        trigger: { event: 'pull_request', actor: 'mira' },
        source: { ref: 'refs/pull/7/head', commit: head, before: base, title: 'Teach the parser about tabs' },
        spec: {
          values: {
            branch: 'tabs',
            tag: '',
            sha: head,
            event: 'pull_request',
            actor: 'mira',
            'pull_request.number': 7,
            'pull_request.base': 'main',
          },
        },
      },
    ]);
    expect(await here.store.checks.list({ limit: 9 })).toMatchObject([{ commit: head, context: 'solstice/Build' }]);
  });

  test('of a commit that its branch has gone beyond run too', async () => {
    const { git, files, head, pull } = await reviewed(which);
    await git.commit({ branch: 'tabs', files: { ...files, x: '2' } });
    expect(await pull()).toMatchObject({ state: 'planned' });
    expect((await runs())[0]?.source.commit).toBe(head);
  });

  test('paths are compared from where the branch left', async () => {
    const on = '    on "pull_request" branches="main" paths="src/**"';
    const { git, files, base, pull } = await reviewed(which, on);
    const main = await git.commit({ files: { ...files, y: '1' } });
    expect(await pull({ baseCommit: main })).toMatchObject({ state: 'planned' });
    const docs = await git.commit({ branch: 'docs', files: { ...files, docs: '1' }, parents: [base] });
    await git.commit({ files: { ...files, y: '1', 'src/b': '1' } });
    const more = { headCommit: docs, headBranch: 'docs', action: 'reopened' };
    expect(await pull({ ...more, baseCommit: main })).toMatchObject({
      state: 'ignored',
      reason: 'Build: on "pull_request" wants src/**; docs changed',
    });
    expect(await pull({ baseBranch: 'next', action: 'reopened' })).toMatchObject({
      state: 'ignored',
      reason: 'Build: on "pull_request" wants branch main; this one is into next',
    });
  });

  test('redelivered, or told twice by two hooks: one run', async () => {
    const { pull, sender, payload } = await reviewed(which);
    const id = randomUUID();
    const first = await pull({}, id);
    expect(await answered(await sender.deliver(payload(), { deliveryId: id }))).toMatchObject({
      delivery: first.id,
      redelivery: true,
    });
    expect(await pull({})).toMatchObject({ state: 'ignored', reason: expect.stringContaining(first.id) });
    expect(await runs()).toHaveLength(1);
  });

  test('closed and relabelled ones are ignored, also while the forge is away', async () => {
    const { pull, server } = await reviewed(which);
    server.misbehave({ times: 100, status: 503 });
    for (const action of ['closed', 'labeled', 'edited'])
      expect(await pull({ action })).toMatchObject({ state: 'ignored' });
    expect(server.requests).toEqual([]);
    server.behave();
  });

  test('while the forge is away, whether it is trusted is waited for, not guessed', async () => {
    const { sender, payload, server } = await reviewed(which);
    server.misbehave({ times: 1, status: 502, when: ({ path }) => path.includes('/pulls/') });
    const { delivery: id } = await answered(await sender.deliver(payload()));
    await eventually(async () => ((await here.store.deliveries.get(id))?.tries ?? 0) > 0);
    expect(await runs()).toEqual([]);
    here.clock.advance(10 * 60_000);
    expect(await settled(id)).toMatchObject({ state: 'planned' });
  });
});

describe.each(['hub', 'forgejo'] as const)('nothing untrusted runs: %s', (which) => {
  type Reviewed = Awaited<ReturnType<typeof reviewed>>;
  const attacks: [string, (given: Reviewed) => Partial<PayloadPullRequest>, RegExp][] = [
    ['a fork', ({ fork, evil }) => ({ headRepository: fork, headCommit: evil }), /comes from a fork/],
    [
      'a fork whose branch is called as one of ours, at our own commit',
      ({ fork }) => ({ headRepository: fork, headBranch: 'main' }),
      /comes from a fork/,
    ],
    [
      'a fork that is called as we are',
      ({ fork, evil, hosted }) => ({ headRepository: { ...fork, fullName: hosted.fullName }, headCommit: evil }),
      /comes from a fork/,
    ],
    ['a fork that is gone', ({ evil }) => ({ headRepository: null, headCommit: evil }), /a repository that is gone/],
    [
      'a fork, while the event says that it is of the repository itself',
      ({ fork, evil, hosting }) => {
        hosting({ headRepositoryId: fork.id, headCommit: evil });
        return { headCommit: evil };
      },
      /comes from a fork/,
    ],
    [
      'one of the repository, of whose head it has never been',
      ({ evil, hosting }) => {
        hosting({ headCommit: evil });
        return { headCommit: evil };
      },
      /is not \(any more\) in branch tabs/,
    ],
    [
      'one without a branch, as AGit makes them',
      ({ evil, hosting }) => {
        hosting({ headCommit: evil, headBranch: 'eve/topic' });
        return { headCommit: evil, headBranch: 'eve/topic' };
      },
      /has no branch eve\/topic/,
    ],
    [
      'one without a branch, called as a tag is',
      ({ evil, hosting }) => {
        hosting({ headCommit: evil, headBranch: 'v1' });
        return { headCommit: evil, headBranch: 'v1' };
      },
      /has no branch v1/,
    ],
    [
      'one that the forge does not know',
      ({ server, hosted }) => {
        server.pulls.delete(`${hosted.fullName}#7`);
        return {};
      },
      /is not there any more/,
    ],
    [
      'one of a branch that has been forced away from its commit',
      ({ evil }) => ({ headCommit: evil }),
      /is not \(any more\) in branch tabs/,
    ],
  ];
  test.each(attacks)('%s', async (_name, attack, reason) => {
    const given = await reviewed(which);
    await given.git.git('tag', 'v1', given.evil);
    const delivery = await given.pull(attack(given));
    expect(delivery).toMatchObject({ state: 'ignored', reason: expect.stringMatching(reason), runIds: [] });
    expect(delivery.reason).toContain('untrusted runs are not available yet');
    expect(await runs()).toEqual([]);
    expect(await here.store.checks.list({ limit: 9 })).toEqual([]);
    expect(given.filesRead()).toBe(0);
  });

  test('a fork, when somebody who may write comments', async () => {
    const { fork, evil, hosting, server, comment, filesRead } = await reviewed(which);
    server.permissions.set('mira', 'admin');
    hosting({ headRepositoryId: fork.id, headCommit: evil });
    expect(await comment('mira')).toMatchObject({ state: 'ignored', reason: expect.stringContaining('from a fork') });
    hosting({ headRepositoryId: null, headCommit: evil });
    expect(await comment('mira')).toMatchObject({ state: 'ignored' });
    hosting({ headCommit: evil });
    expect(await comment('mira')).toMatchObject({
      state: 'ignored',
      reason: expect.stringContaining('in branch tabs'),
    });
    expect(await runs()).toEqual([]);
    expect(filesRead()).toBe(0);
  });
});

describe.each(['hub', 'forgejo'] as const)('comments: %s', (which) => {
  test('by one who may write run the head as it is now', async () => {
    const { git, files, server, hosting, comment } = await reviewed(which);
    server.permissions.set('mira', 'write');
    const newer = await git.commit({ branch: 'tabs', files: { ...files, x: '2' } });
    hosting({ headCommit: newer });
    expect(await comment('mira', '/bench fast\r\nplease')).toMatchObject({ state: 'planned' });
    expect(await runs()).toMatchObject([
      {
        trigger: { event: 'comment', actor: 'mira' },
        source: { ref: 'refs/pull/7/head', commit: newer },
        spec: { values: { event: 'comment', branch: 'tabs', 'pull_request.number': 7 } },
      },
    ]);
    expect(await comment('mira', 'nice')).toMatchObject({
      state: 'ignored',
      reason: 'Build: on "comment" wants /bench',
    });
  });

  test('the same again is another run, the same delivered twice is not', async () => {
    const { server, comment } = await reviewed(which);
    server.permissions.set('mira', 'write');
    await comment('mira', '/bench', 1);
    await comment('mira', '/bench', 2);
    expect(await comment('mira', '/bench', 2)).toMatchObject({ state: 'ignored' });
    expect(await runs()).toHaveLength(2);
  });

  test.each(['read', 'none', undefined])('by one who may %s: nothing, and nothing is read', async (permission) => {
    const { server, comment, filesRead } = await reviewed(which);
    if (permission !== undefined) server.permissions.set('mira', permission);
    expect(await comment('mira')).toMatchObject({
      state: 'ignored',
      reason: 'a comment of mira, who may not write to team/tool: it starts nothing',
    });
    expect([await runs(), filesRead(), server.requests.length]).toEqual([[], 0, 1]);
  });

  test('when that cannot be asked: refused, with the reason', async () => {
    const { server, comment } = await reviewed(which);
    server.permissions.set('mira', 'admin');
    server.tellsPermissions = false;
    expect(await comment('mira')).toMatchObject({
      state: 'ignored',
      reason: expect.stringMatching(/^whether mira may write to team\/tool could not be asked: .*HTTP 403/),
    });
    expect(await runs()).toEqual([]);
  });

  test('while the forge is away: waited for', async () => {
    const { server, sender, hosted } = await reviewed(which);
    server.permissions.set('mira', 'write');
    server.misbehave({ times: 1, status: 500, when: ({ path }) => path.includes('/collaborators/') });
    const payloads = which === 'hub' ? githubPayloads : forgejoPayloads;
    const repository = { ...hosted, webUrl: 'https://forge.example' };
    const about = { number: 7, onPullRequest: true, action: 'created', id: 5, body: '/bench', login: 'mira' };
    const { delivery: id } = await answered(await sender.deliver(payloads.comment({ repository, ...about })));
    await eventually(async () => ((await here.store.deliveries.get(id))?.tries ?? 0) > 0);
    expect(await runs()).toEqual([]);
    here.clock.advance(10 * 60_000);
    expect(await settled(id)).toMatchObject({ state: 'planned' });
  });

  test('on a pull request that is closed: nothing', async () => {
    const { server, hosting, comment } = await reviewed(which);
    server.permissions.set('mira', 'write');
    hosting({ state: 'closed' });
    expect(await comment('mira')).toMatchObject({ state: 'ignored', reason: 'pull request 7 is not open (any more)' });
  });
});

describe('inputs', () => {
  const WITH_INPUTS = file(`    on "push"
    env INPUT_LEVEL="mine" WHO="\${actor}"
    on "manual" {
        input "level" default="info" options="info debug"
        input "note" default=""
        input "count" type="int" min=1 max=5
    }`);
  const git = () => here.repositories.local.hosted.git;
  const by = (inputs?: Record<string, string>, workflow: string | undefined = 'Build') =>
    planner.planManually({
      repositoryId: here.repositories.local.row.id,
      ref: undefined,
      commit: undefined,
      workflow,
      inputs,
      actor: 'ada',
    });

  test('reach steps as variables, and conditions as values; expressions in them stay text', async () => {
    await git().commit({ files: { '.solstice/a.kdl': WITH_INPUTS } });
    await by({ level: 'debug', note: '$' + '{actor}; rm -rf / # "', count: '3' });
    const [run] = await runs();
    expect(envOf(run)).toEqual({
      INPUT_LEVEL: 'debug',
      INPUT_NOTE: '$' + '{actor}; rm -rf / # "',
      INPUT_COUNT: '3',
      WHO: 'ada',
    });
    expect(run).toMatchObject({
      trigger: { event: 'manual', actor: 'ada' },
      spec: { values: { 'inputs.level': 'debug', 'inputs.count': 3, event: 'manual', branch: 'main' } },
    });
  });

  test('what is wrong is named, and nothing runs', async () => {
    await git().commit({
      files: { '.solstice/a.kdl': WITH_INPUTS, '.solstice/b.kdl': file('    on "push"', 'Plain') },
    });
    await expect(by({ level: 'loud', count: '9', other: '1' })).rejects.toMatchObject({
      code: 'usage',
      message:
        'Workflow "Build": there is no input "other"; input "level" is one of info, debug, and not "loud"; input "count" is at most 5, and not 9.',
      hint: 'Its inputs: level (info or debug; info if left out), note (a text; "" if left out), count (a whole number from 1 to 5).',
    });
    await expect(by()).rejects.toMatchObject({ message: expect.stringContaining('"count" is missing') });
    await expect(by({ level: 'info' }, 'Plain')).rejects.toMatchObject({
      message: 'Workflow "Plain": there is no input "level".',
      hint: expect.stringContaining('It has no inputs'),
    });
    await expect(planner.planManually({ ...asked(), inputs: { level: 'info' } })).rejects.toMatchObject({
      code: 'usage',
      message: 'Inputs are of one workflow, and none is named.',
    });
    expect(await runs()).toEqual([]);
  });

  test('with a key is planned once, also when the branch has gone on since', async () => {
    await git().commit({ files: { '.solstice/a.kdl': file('    on "push"') } });
    const requestKey = { key: 'k1', fingerprint: 'f' };
    const several = await Promise.all([1, 2, 3].map(() => planner.planManually({ ...asked(), requestKey })));
    await git().commit({ files: { '.solstice/b.kdl': file('    on "push"', 'Newer') } });
    const later = await planner.planManually({ ...asked(), requestKey });
    expect(later.runs).toMatchObject([{ number: 1 }]);
    expect(several).toEqual([later, later, later]);
    expect(await runs()).toHaveLength(1);
    const other = { ...asked(), requestKey: { ...requestKey, fingerprint: 'g' } };
    await expect(planner.planManually(other)).rejects.toMatchObject({ code: 'request-key-reused' });
    expect((await planner.planManually(asked())).runs).toMatchObject([{ number: 2 }]);
  });

  const asked = () => ({
    repositoryId: here.repositories.local.row.id,
    ref: undefined,
    commit: undefined,
    workflow: undefined,
    actor: 'ada',
  });

  test('of a push have their defaults; without one, there is none', async () => {
    const commit = await git().commit({ files: { '.solstice/a.kdl': WITH_INPUTS } });
    expect(await push('local', 'refs/heads/main', NO_COMMIT, commit)).toMatchObject({ state: 'planned' });
    expect(envOf((await runs())[0])).toEqual({ INPUT_LEVEL: 'info', INPUT_NOTE: '', WHO: 'mira' });
  });

  test('by hand, paths are not asked about; what only a hand starts has to be named', async () => {
    await git().commit({
      files: {
        '.solstice/a.kdl': file('    on "push" paths="none/**"'),
        '.solstice/b.kdl': file('    on "manual"', 'Hand'),
      },
    });
    expect(await planner.planManually(asked())).toMatchObject({
      runs: [{ number: 1 }],
      reason: 'Hand: it has no on "push"',
    });
    expect(await by(undefined, 'Hand')).toMatchObject({ runs: [{ number: 2 }] });
  });
});
