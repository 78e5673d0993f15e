import { join } from 'node:path';
import {
  BareRepository,
  eventually,
  ForgejoServer,
  GithubServer,
  type HostedRepository,
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
      { describe: () => `a final ${context} on ${sha}; so far ${states.join(', ')}`, timeoutMs: 60_000 },
    );
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
});
