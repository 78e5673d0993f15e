import { Octokit } from '@octokit/rest';
import type { Clock } from '@solstice/common/clock';
import type { ForgeSettings } from '@solstice/common/config';
import type { CheckState } from '@solstice/common/store';
import type { Logger } from '@solstice/common/telemetry';
import { z } from 'zod';
import { commitStatusOf, ownerAndName } from '../commit-status.js';
import { type Comparison, type Forge, type ForgeRepository, singleHeader, type WorkflowFile } from '../forge.js';
import { ForgeError, forgeErrorOfFailure, forgeErrorOfResponse } from '../forge-error.js';
import { foundPullSchema, isLogin, isWriter, permissionSchema, pullRequestOf } from '../found-pull-request.js';
import { matchSignature, withoutPrefix } from '../signature.js';
import { readSelected, WORKFLOW_DIRECTORY } from '../workflow-files.js';
import { normaliseGithub } from './github-payloads.js';

const entriesSchema = z.array(z.object({ type: z.string(), path: z.string(), size: z.number(), sha: z.string() }));
const blobSchema = z.object({ content: z.string(), encoding: z.literal('base64') });
const repositorySchema = z.object({ default_branch: z.string() });
const refSchema = z.object({ object: z.object({ sha: z.string(), type: z.string() }) });

/** GitHub, or GitHub Enterprise with another `url`, through a token: commit statuses, because checks need an App. */
export function createGithubForge(settings: ForgeSettings, dependencies: { clock: Clock; logger: Logger }): Forge {
  const { clock, logger } = dependencies;
  const octokit = new Octokit({
    ...(settings.token ? { auth: settings.token.reveal() } : {}),
    baseUrl: (settings.url ?? 'https://api.github.com').replace(/\/+$/, ''),
    userAgent: 'solstice-ci',
    log: {
      debug: () => {},
      info: () => {},
      warn: (text: string) => logger.warn({ forge: settings.id, text }, 'github client warns'),
      // Errors come back as rejections, which the callers log once.
      error: () => {},
    },
  });

  /** Gives undefined for 404, so that the caller can say what is missing. */
  async function ask<T>(
    what: string,
    call: () => Promise<{ data: unknown }>,
    schema: z.ZodType<T>,
  ): Promise<T | undefined> {
    let data: unknown;
    try {
      ({ data } = await call());
    } catch (error) {
      const failed = failureSchema.safeParse(error);
      // Without a response the client still says 500: that is no answer of GitHub's.
      if (!failed.success || failed.data.response === undefined) throw forgeErrorOfFailure(what, error);
      if (failed.data.status === 404) return undefined;
      const headers = failed.data.response.headers;
      throw forgeErrorOfResponse({
        what,
        status: failed.data.status,
        header: (name) => (headers[name] === undefined ? undefined : String(headers[name])),
        message: failed.data.message,
        now: clock.now(),
      });
    }
    const parsed = schema.safeParse(data);
    // A body cut short by a broken connection comes out of the client as text.
    if (!parsed.success)
      throw new ForgeError('unavailable', `${what}: the answer could not be read`, { cause: parsed.error });
    return parsed.data;
  }

  async function requireCommit(repository: ForgeRepository, commit: string, signal: AbortSignal): Promise<void> {
    const place = placeOf(repository);
    const what = `looking for commit ${commit} of ${repository.name}`;
    const call = () => octokit.rest.git.getCommit({ ...place, commit_sha: commit, request: { signal } });
    if (await ask(what, call, z.looseObject({ sha: z.string() }))) return;
    await requireRepository(repository, signal);
    throw new ForgeError('commit-gone', `commit ${commit} is not (any more) in ${repository.name}`);
  }

  /** In a repository that the token may not see nothing is there, says GitHub: who meets that asks for the repository itself. */
  async function requireRepository(
    repository: ForgeRepository,
    signal: AbortSignal,
  ): Promise<z.infer<typeof repositorySchema>> {
    const call = () => octokit.rest.repos.get({ ...placeOf(repository), request: { signal } });
    const found = await ask(`looking for ${repository.name}`, call, repositorySchema);
    if (found) return found;
    throw new ForgeError('refused', `${repository.name} is not on the forge, or the token may not see it`);
  }

  return {
    id: settings.id,
    kind: 'github',
    webhookSecret: settings.webhookSecret,
    deliveryId: (headers) => singleHeader(headers, 'x-github-delivery'),
    eventName: (headers) => singleHeader(headers, 'x-github-event'),
    verify: (headers, rawBody, secrets) =>
      matchSignature(withoutPrefix(singleHeader(headers, 'x-hub-signature-256')), rawBody, secrets),
    normalise: (headers, body) => normaliseGithub(singleHeader(headers, 'x-github-event'), body),

    async readWorkflowFiles(repository, commit, signal): Promise<WorkflowFile[]> {
      const place = placeOf(repository);
      const listing = await ask(
        `reading ${WORKFLOW_DIRECTORY} of ${repository.name}`,
        () => octokit.rest.repos.getContent({ ...place, path: WORKFLOW_DIRECTORY, ref: commit, request: { signal } }),
        // A file of that name gives an object: no directory, so no workflows.
        z.union([entriesSchema, z.looseObject({ type: z.string() })]),
      );
      if (listing === undefined) {
        await requireCommit(repository, commit, signal);
        return [];
      }
      if (!Array.isArray(listing)) return [];
      const entries = listing
        .filter((entry) => entry.type === 'file')
        .map((entry) => ({ path: entry.path, sizeBytes: entry.size, sha: entry.sha }));
      return readSelected(entries, async (entry) => {
        const what = `reading ${entry.path} of ${repository.name}`;
        const call = () => octokit.rest.git.getBlob({ ...place, file_sha: entry.sha, request: { signal } });
        const blob = await ask(what, call, blobSchema);
        if (!blob) throw new ForgeError('unavailable', `${what}: it was listed, but is not there`);
        return Buffer.from(blob.content, 'base64');
      });
    },

    async defaultRef(repository, signal) {
      return `refs/heads/${(await requireRepository(repository, signal)).default_branch}`;
    },

    async resolveRef(repository, ref, signal) {
      const place = placeOf(repository);
      const what = `looking for ${ref} of ${repository.name}`;
      const call = () => octokit.rest.git.getRef({ ...place, ref: ref.replace(/^refs\//, ''), request: { signal } });
      const found = await ask(what, call, refSchema);
      if (found === undefined) await requireRepository(repository, signal);
      if (found?.object.type !== 'tag') return found?.object.sha;
      const tag = found.object.sha;
      const peeled = await ask(
        what,
        () => octokit.rest.git.getTag({ ...place, tag_sha: tag, request: { signal } }),
        refSchema,
      );
      return peeled?.object.sha;
    },

    async compare(repository, base, head, signal) {
      const what = `comparing commits of ${repository.name}`;
      // All files are on the first page, whatever its size; the commits are not needed.
      const call = () =>
        octokit.rest.repos.compareCommitsWithBasehead({
          ...placeOf(repository),
          basehead: `${base}...${head}`,
          per_page: 1,
          page: 1,
          request: { signal },
        });
      const found = await ask(what, call, comparisonSchema);
      return found && comparisonOf(found);
    },

    pullRequests: {
      async find(repository, number, signal) {
        const what = `looking for pull request ${number} of ${repository.name}`;
        const call = () => octokit.rest.pulls.get({ ...placeOf(repository), pull_number: number, request: { signal } });
        const found = await ask(what, call, foundPullSchema);
        return found && pullRequestOf(found);
      },

      async mayWrite(repository, person, signal) {
        if (!isLogin(person.login)) return false;
        const what = `asking what ${person.login} may do in ${repository.name}`;
        const call = () =>
          octokit.rest.repos.getCollaboratorPermissionLevel({
            ...placeOf(repository),
            username: person.login,
            request: { signal },
          });
        const found = await ask(what, call, permissionSchema);
        return found !== undefined && isWriter(found, person);
      },
    },

    async reportCheck(repository, commit, context, state: CheckState, targetUrl, signal) {
      const what = `setting the status ${context} of ${repository.name}`;
      if (!settings.token) throw new ForgeError('refused', `${what}: the forge ${settings.id} has no token`);
      const status = commitStatusOf(context, state, targetUrl);
      const call = () =>
        octokit.rest.repos.createCommitStatus({ ...placeOf(repository), sha: commit, ...status, request: { signal } });
      const done = await ask(what, call, z.unknown());
      if (done === undefined)
        throw new ForgeError('refused', `${what}: HTTP 404: no such repository, or the token may not write statuses`);
    },
  };
}

const comparisonSchema = z.object({
  ahead_by: z.number(),
  behind_by: z.number(),
  files: z.array(z.object({ filename: z.string(), previous_filename: z.string().nullish() })).nullish(),
});
/** GitHub lists no more. */
const MOST_FILES = 300;

function comparisonOf(found: z.infer<typeof comparisonSchema>): Comparison {
  const files = found.files ?? [];
  const incomplete = files.length >= MOST_FILES || (found.files == null && found.ahead_by > 0);
  return {
    ahead: found.ahead_by,
    behind: found.behind_by,
    files: incomplete
      ? { kind: 'incomplete', reason: `GitHub lists no more than ${MOST_FILES} changed files` }
      : { kind: 'all', paths: files.flatMap((file) => [file.filename, file.previous_filename ?? []].flat()) },
  };
}

const failureSchema = z.object({
  status: z.number(),
  message: z.string(),
  response: z.object({ headers: z.record(z.string(), z.unknown()) }).optional(),
});

function placeOf(repository: ForgeRepository): { owner: string; repo: string } {
  const place = ownerAndName(repository.name);
  if (!place) throw new ForgeError('refused', `${repository.name} is not of the form owner/name`);
  return place;
}
