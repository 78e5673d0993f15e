import type { Clock } from '@solstice/common/clock';
import type { ForgeSettings } from '@solstice/common/config';
import { SolsticeError } from '@solstice/common/errors';
import type { CheckState } from '@solstice/common/store';
import { workflowLimits } from '@solstice/common/workflow';
import { z } from 'zod';
import { commitStatusOf, ownerAndName } from '../commit-status.js';
import { type Comparison, type Forge, type ForgeRepository, singleHeader, type WorkflowFile } from '../forge.js';
import { ForgeError } from '../forge-error.js';
import { foundPullSchema, isLogin, isWriter, permissionSchema, pullRequestOf } from '../found-pull-request.js';
import { matchSignature } from '../signature.js';
import { readSelected, WORKFLOW_DIRECTORY } from '../workflow-files.js';
import { ForgejoClient } from './forgejo-client.js';
import { normaliseForgejo } from './forgejo-payloads.js';

const entriesSchema = z.array(z.object({ type: z.string(), path: z.string(), size: z.number() }));

/** A Forgejo server through the token of a (bot) user who may write statuses. */
export function createForgejoForge(settings: ForgeSettings, dependencies: { clock: Clock }): Forge {
  if (settings.url === undefined) {
    throw new SolsticeError('settings-invalid', `forge ${settings.id} is of kind forgejo and has no url`);
  }
  const client = new ForgejoClient({ url: settings.url, token: settings.token, clock: dependencies.clock });

  async function requireCommit(repository: ForgeRepository, commit: string, signal: AbortSignal): Promise<void> {
    const place = placeOf(repository);
    const flags = 'stat=false&verification=false&files=false';
    const what = `looking for commit ${commit} of ${repository.name}`;
    if (await client.json(what, `${place}/git/commits/${commit}?${flags}`, z.looseObject({ sha: z.string() }), signal))
      return;
    await requireRepository(repository, signal);
    throw new ForgeError('commit-gone', `commit ${commit} is not (any more) in ${repository.name}`);
  }

  /** In a repository that the token may not see nothing is there, says the forge: who meets that asks for the repository itself. */
  async function requireRepository(
    repository: ForgeRepository,
    signal: AbortSignal,
  ): Promise<z.infer<typeof repositorySchema>> {
    const found = await client.json(`looking for ${repository.name}`, placeOf(repository), repositorySchema, signal);
    if (found) return found;
    throw new ForgeError('refused', `${repository.name} is not on the forge, or the token may not see it`);
  }

  async function findRef(repository: ForgeRepository, ref: string, signal: AbortSignal): Promise<string | undefined> {
    const place = placeOf(repository);
    const what = `looking for ${ref} of ${repository.name}`;
    const [, family, name] = /^refs\/(heads|tags)\/(.+)$/.exec(ref) ?? [];
    if (!family || !name) return undefined;
    const escaped = name.split('/').map(encodeURIComponent).join('/');
    if (family === 'heads') {
      const schema = z.object({ commit: z.object({ id: z.string() }) });
      return (await client.json(what, `${place}/branches/${escaped}`, schema, signal))?.commit.id;
    }
    const schema = z.object({ commit: z.object({ sha: z.string() }) });
    return (await client.json(what, `${place}/tags/${escaped}`, schema, signal))?.commit.sha;
  }

  return {
    id: settings.id,
    kind: 'forgejo',
    webhookSecret: settings.webhookSecret,
    // Forgejo also sends GitHub's and Gitea's headers; its own come first, and only they are read.
    deliveryId: (headers) => singleHeader(headers, 'x-forgejo-delivery'),
    eventName: (headers) => singleHeader(headers, 'x-forgejo-event'),
    verify: (headers, rawBody, secrets) =>
      matchSignature(singleHeader(headers, 'x-forgejo-signature'), rawBody, secrets),
    normalise: (headers, body) => normaliseForgejo(singleHeader(headers, 'x-forgejo-event'), body),

    async readWorkflowFiles(repository, commit, signal): Promise<WorkflowFile[]> {
      const place = placeOf(repository);
      const listing = await client.json(
        `reading ${WORKFLOW_DIRECTORY} of ${repository.name}`,
        `${place}/contents/${WORKFLOW_DIRECTORY}?ref=${commit}`,
        // A file of that name gives an object: no directory, so no workflows.
        z.union([entriesSchema, z.looseObject({ type: z.string() })]),
        signal,
      );
      if (listing === undefined) {
        await requireCommit(repository, commit, signal);
        return [];
      }
      if (!Array.isArray(listing)) return [];
      const entries = listing
        .filter((entry) => entry.type === 'file')
        .map((entry) => ({ path: entry.path, sizeBytes: entry.size }));
      return readSelected(entries, async ({ path }) => {
        const what = `reading ${path} of ${repository.name}`;
        const address = `${place}/raw/${path.split('/').map(encodeURIComponent).join('/')}?ref=${commit}`;
        const bytes = await client.bytes(what, address, workflowLimits.fileBytes, signal);
        if (!bytes) throw new ForgeError('unavailable', `${what}: it was listed, but is not there`);
        return bytes;
      });
    },

    async defaultRef(repository, signal) {
      return `refs/heads/${(await requireRepository(repository, signal)).default_branch}`;
    },

    async resolveRef(repository, ref, signal) {
      const found = await findRef(repository, ref, signal);
      if (found === undefined) await requireRepository(repository, signal);
      return found;
    },

    async compare(repository, base, head, signal) {
      const what = `comparing commits of ${repository.name}`;
      const ask = (from: string, to: string, files: boolean) => {
        const flags = `stat=false&verification=false&files=${files}`;
        return client.json(what, `${placeOf(repository)}/compare/${from}...${to}?${flags}`, comparisonSchema, signal);
      };
      const found = await ask(base, head, true);
      if (found?.total_commits !== 0 || base === head) return found && comparisonOf(found, undefined);
      // So it answers for a head that is part of base, and for two with nothing in common: these are 0 both ways.
      const back = await ask(head, base, false);
      return back && back.total_commits > 0 ? comparisonOf(found, back.total_commits) : undefined;
    },

    pullRequests: {
      async find(repository, number, signal) {
        const what = `looking for pull request ${number} of ${repository.name}`;
        const found = await client.json(what, `${placeOf(repository)}/pulls/${number}`, foundPullSchema, signal);
        return found && pullRequestOf(found);
      },

      async mayWrite(repository, person, signal) {
        if (!isLogin(person.login)) return false;
        const what = `asking what ${person.login} may do in ${repository.name}`;
        const path = `${placeOf(repository)}/collaborators/${encodeURIComponent(person.login)}/permission`;
        const found = await client.json(what, path, permissionSchema, signal);
        return found !== undefined && isWriter(found, person);
      },
    },

    async reportCheck(repository, commit, context, state: CheckState, targetUrl, signal) {
      const what = `setting the status ${context} of ${repository.name}`;
      if (!settings.token) throw new ForgeError('refused', `${what}: the forge ${settings.id} has no token`);
      const status = commitStatusOf(context, state, targetUrl);
      if (await client.post(what, `${placeOf(repository)}/statuses/${commit}`, status, signal)) return;
      throw new ForgeError('refused', `${what}: HTTP 404: no such repository or commit, or the token may not see it`);
    },
  };
}

const repositorySchema = z.object({ default_branch: z.string() });
const filesSchema = z.array(z.object({ filename: z.string() })).nullish();
const comparisonSchema = z.object({
  total_commits: z.number(),
  commits: z.array(z.object({ files: filesSchema })).nullish(),
  files: filesSchema,
});

/**
 * Newer versions list the files that differ; older ones those of each commit, which are all of these and perhaps some
 * more, changed and changed back.
 */
function comparisonOf(found: z.infer<typeof comparisonSchema>, behind: number | undefined): Comparison {
  const commits = found.commits ?? [];
  const ofCommits = commits.map(({ files }) => files);
  const complete = commits.length >= found.total_commits && ofCommits.every((files) => files != null);
  const files = found.files ?? (complete ? ofCommits.flatMap((some) => some ?? []) : undefined);
  return {
    ahead: found.total_commits,
    behind,
    files: files
      ? { kind: 'all', paths: [...new Set(files.map(({ filename }) => filename))] }
      : { kind: 'incomplete', reason: 'Forgejo did not list all changed files' },
  };
}

/** Path of the repository in the API. */
function placeOf(repository: ForgeRepository): string {
  const place = ownerAndName(repository.name);
  if (!place) throw new ForgeError('refused', `${repository.name} is not of the form owner/name`);
  return `/repos/${encodeURIComponent(place.owner)}/${encodeURIComponent(place.repo)}`;
}
