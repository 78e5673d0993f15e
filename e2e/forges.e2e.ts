import { join } from 'node:path';
import type { DeliveryView, RunDetailView } from '@solstice/api';
import {
  BareRepository,
  eventually,
  exampleComment,
  examplePullRequest,
  ForgejoServer,
  forgejoPayloads,
  GithubServer,
  githubPayloads,
  type HostedRepository,
  type Payload,
  WebhookSender,
} from '@solstice/testing';
import { afterEach, describe, expect, test } from 'vitest';
import { Installation } from './harness/installation.js';

const TOKEN = 'a-token-with-rights-4711';
const workflow = (script: string) => `workflow "ci" {
    on "push" branches="main"
    job "build" { step name="Build" run=${JSON.stringify(script)}; }
}
`;

const reviewed = `workflow "review" {
    on "pull_request" branches="main"
    job "say" name="Say \${pull_request.number}" {
        env NUMBER="\${pull_request.number}" BASE="\${pull_request.base}" BRANCH="\${branch}"
        step name="Values" run="echo $NUMBER $BASE $BRANCH $CI_EVENT $CI_REF \${CI_BRANCH-none} \${CI_PULL_REQUEST-none} \${CI_PULL_REQUEST_BASE-none}"
        step name="For main" when="pull_request.base == 'main'" run="echo for main"
        step name="For others" when="pull_request.base != 'main'" run="exit 1"
    }
    job "sources" when="changed('src/**') && pull_request.number == 7" { step run="echo sources"; }
    job "prose" when="changed('docs/**')" { step run="exit 1"; }
}
`;
const benched = `workflow "bench" {
    on "comment" match="/bench"
    job "bench" { step name="Bench" run="cat size.txt; echo $CI_ACTOR"; }
}
`;

/** From the forge's webhook to the status on the commit, over HTTP on both ways, with the source cloned with the token. */
describe.each([
  ['forgejo', ForgejoServer],
  ['github', GithubServer],
] as const)('a %s', (kind, Forge) => {
  let installation: Installation | undefined;
  let forge: ForgejoServer | GithubServer | undefined;

  afterEach(async () => {
    await installation?.remove();
    await forge?.close();
    installation = undefined;
    forge = undefined;
  });

  async function prepare(): Promise<{ hosted: HostedRepository; sender: WebhookSender }> {
    forge = await Forge.start({ token: TOKEN });
    installation = await Installation.create({
      backend: 'process',
      settings: `forge "code" kind="${kind}" url="${forge.url}" token="${TOKEN}" webhook_secret="a-secret-of-the-forge" {
    repository "team/tool"
}
`,
    });
    const git = await BareRepository.create(join(installation.directory, 'tool.git'));
    const hosted = { id: 7, fullName: 'team/tool', defaultBranch: 'main', git };
    forge.host(hosted);
    const hook = { url: `${installation.solstice.addresses.public}/webhooks/code`, secret: 'a-secret-of-the-forge' };
    return { hosted, sender: new WebhookSender(kind, hook) };
  }

  async function finalStatus(sha: string, context: string) {
    const states: string[] = [];
    return eventually(
      () => {
        const status = forge?.statusesOf(sha).get(context);
        if (status && states.at(-1) !== status.state) states.push(status.state);
        return status && status.state !== 'pending' ? status : undefined;
      },
      { describe: () => `a final ${context} on ${sha}; so far ${states.join(', ')}` },
    );
  }

  /** `main`, a branch `tabs` that changes `src/`, and pull request 7 to bring it there. */
  async function preparePullRequest() {
    const { hosted, sender } = await prepare();
    const payloads = kind === 'forgejo' ? forgejoPayloads : githubPayloads;
    const files = { '.solstice/review.kdl': reviewed, '.solstice/bench.kdl': benched, 'size.txt': '1\n' };
    const base = await hosted.git.commit({ files: { ...files, 'docs/a': '1' } });
    const changed = { ...files, 'docs/a': '1', 'src/a': '1', 'size.txt': '2\n' };
    const head = await hosted.git.commit({ branch: 'tabs', files: changed, parents: [base] });
    // What is on main since then is not the pull request's doing.
    const newer = await hosted.git.commit({ files: { ...files, 'docs/a': '2' } });
    const pull = { headRepositoryId: hosted.id, headBranch: 'tabs', headCommit: head, baseCommit: newer };
    forge?.hostPull('team/tool', { number: 7, baseBranch: 'main', ...pull });
    const repository = { ...hosted, webUrl: 'https://forge.example' };
    let comments = 0;
    return {
      head,
      opened: () => {
        const { headRepositoryId: _, ...sent } = pull;
        return took(sender, payloads.pullRequest(examplePullRequest({ repository, ...sent })));
      },
      comment: (login: string, body = '/bench now') =>
        took(sender, payloads.comment(exampleComment({ repository, id: ++comments, login, body }))),
    };
  }

  /** Sends it, and waits for what became of it. */
  async function took(sender: WebhookSender, payload: Payload): Promise<DeliveryView> {
    const answer = await sender.deliver(payload);
    expect(answer.status).toBe(202);
    const { delivery: id } = (await answer.json()) as { delivery: string };
    return eventually(
      async () => {
        const delivery = await installation?.client().delivery(id);
        return delivery?.state === 'received' ? undefined : delivery;
      },
      { describe: () => `${payload.event} to be planned, or ignored` },
    );
  }

  /** The only run of a delivery, once it is over. */
  async function endOf(delivery: DeliveryView): Promise<RunDetailView> {
    expect(delivery.runIds, delivery.reason).toHaveLength(1);
    return eventually(
      async () => {
        const run = await installation?.client().run(delivery.runIds[0] ?? '');
        return run?.endedAt === undefined ? undefined : run;
      },
      { describe: () => `run ${delivery.runIds[0]} to end` },
    );
  }

  async function printed(run: RunDetailView, job: string): Promise<string | undefined> {
    const log = await installation?.ciadm('logs', String(run.number), '--job', job, '--step', '1', '--raw');
    return log?.stdout.toString();
  }

  test('a push gets its status, green and red, with a link to the run page', async () => {
    const { hosted, sender } = await prepare();
    await hosted.git.commit({ files: { '.solstice/ci.kdl': workflow('cat word.txt'), 'word.txt': 'fine\n' } });
    const [answer] = await sender.sendChanges(hosted);
    expect(answer?.status).toBe(202);
    const green = await finalStatus(await hosted.git.git('rev-parse', 'main'), 'solstice/ci');
    expect(green.state).toBe('success');
    const page = await fetch(green.targetUrl ?? '');
    expect(page.status).toBe(200);
    expect(await page.text()).toContain('fine');

    await hosted.git.commit({ files: { '.solstice/ci.kdl': workflow('exit 3') } });
    await sender.sendChanges(hosted);
    const red = await finalStatus(await hosted.git.git('rev-parse', 'main'), 'solstice/ci');
    expect(red.state).toBe('failure');
    expect(red.description).toContain('exited with 3');
    expect(forge?.unknownRequests).toEqual([]);
    expect(installation?.solstice.output).not.toContain(TOKEN);
  });

  test('a broken workflow file becomes a failed status with its place', async () => {
    const { hosted, sender } = await prepare();
    await hosted.git.commit({ files: { '.solstice/ci.kdl': 'workflow "ci" {\n    on "push"\n    jobb "x"\n}\n' } });
    await sender.sendChanges(hosted);
    const broken = await finalStatus(await hosted.git.git('rev-parse', 'main'), 'solstice/ci.kdl');
    expect(broken.description).toContain('.solstice/ci.kdl:3:');
  });

  test('a forge that is away while the run ends gets the last status when it is back', async () => {
    const { hosted, sender } = await prepare();
    await hosted.git.commit({ files: { '.solstice/ci.kdl': workflow('true') } });
    forge?.misbehave({ times: 3, when: ({ path }) => path.includes('/statuses/'), status: 503 });
    await sender.sendChanges(hosted);
    const status = await finalStatus(await hosted.git.git('rev-parse', 'main'), 'solstice/ci');
    expect(status.state).toBe('success');
  });

  test('a pull request runs its head: its number and base are there to be read, and so is what it changed', async () => {
    const { head, opened } = await preparePullRequest();
    const run = await endOf(await opened());
    expect(run.nodes.map(({ id, name, state }) => [id, name, state])).toEqual([
      ['say', 'Say 7', 'succeeded'],
      ['sources', 'sources', 'succeeded'],
      ['prose', 'prose', 'skipped'],
    ]);
    expect(run).toMatchObject({ state: 'succeeded', source: { commit: head } });
    const steps = run.nodes[0]?.attempts[0]?.steps.map(({ state }) => state);
    expect(steps).toEqual(['succeeded', 'succeeded', 'skipped']);
    expect(await printed(run, 'say')).toBe('7 main tabs pull_request refs/pull/7/head tabs 7 main\n');
    expect((await finalStatus(head, 'solstice/review')).state).toBe('success');
    expect(forge?.unknownRequests).toEqual([]);
  });

  test("a comment of one who may write runs the pull request's head; a stranger's starts nothing", async () => {
    const { head, comment } = await preparePullRequest();
    forge?.permissions.set('mira', 'write').set('reader', 'read');
    for (const login of ['reader', 'known-stranger', 'nobody']) {
      expect(await comment(login)).toMatchObject({
        state: 'ignored',
        reason: `a comment of ${login}, who may not write to team/tool: it starts nothing`,
        runIds: [],
      });
    }
    // Nothing of the pull request was read for them. (The default branch is looked at for its schedules all the same.)
    const readsOfHead = () =>
      forge?.requests.filter(({ path, query }) => path.includes('/contents/') && query.get('ref') === head).length;
    expect(readsOfHead()).toBe(0);
    expect(await comment('mira', 'I would /bench this')).toMatchObject({ state: 'ignored', runIds: [] });

    const run = await endOf(await comment('mira'));
    expect(readsOfHead()).toBeGreaterThan(0);
    expect(run).toMatchObject({ workflow: 'bench', state: 'succeeded', source: { commit: head } });
    expect(await printed(run, 'bench')).toBe('2\nmira\n');
    expect((await finalStatus(head, 'solstice/bench')).state).toBe('success');
    // All that there is: those comments made no run at all.
    expect(await installation?.client().runs({ limit: 10 })).toHaveLength(1);
    expect(forge?.unknownRequests).toEqual([]);
  });
});
