import { assertNever } from '../errors/index.js';
import type { Problems } from './problems.js';
import { type Found, readSecret, readValues, type SecretContext } from './read-values.js';
import type { Section } from './sections.js';
import { forgeSettings, repositorySettings } from './setting-table.js';
import type { ForgeSettings, RepositorySettings } from './settings.js';

/** A `forge` node of the file, with the `repository` nodes in it. */
export interface ForgeSection {
  section: Section;
  repositories: Section[];
}

/** The forges of the file; one whose id or kind is missing or wrong is told, and left out. */
export function readForges(sections: readonly ForgeSection[], context: SecretContext): ForgeSettings[] {
  const forges: ForgeSettings[] = [];
  const placeById = new Map<string, string>();
  for (const { section, repositories } of sections) {
    const { problems } = context;
    const found = readValues(forgeSettings, section, problems);
    const { id, kind } = found;
    if (!section.values.has('id')) {
      problems.add(section.place, 'forge needs an id: forge "code" kind="forgejo"');
    }
    if (!section.values.has('kind')) {
      problems.add(section.place, 'forge needs a kind: "forgejo", "github" or "git"');
    }
    noteTwin(placeById, id, 'forge', problems);
    if (kind === undefined || id === undefined) {
      continue;
    }
    if (kind.value === 'forgejo' && !section.values.has('url')) {
      problems.add(section.place, 'a forge of kind "forgejo" needs its url: url="https://code.example.org"');
    }
    if (kind.value === 'git') {
      for (const unfit of [found.url, found.token, found.token_file]) {
        if (unfit !== undefined) {
          problems.add(unfit.place, 'a forge of kind "git" has no url and no token: it is a plain repository');
        }
      }
    }
    const forge: ForgeSettings = {
      id: id.value,
      kind: kind.value,
      url: found.url?.value ?? (kind.value === 'github' ? 'https://api.github.com' : undefined),
      token: readSecret('token', found.token, found.token_file, context),
      webhookSecret: readSecret('webhook_secret', found.webhook_secret, found.webhook_secret_file, context),
      repositories: [],
    };
    const placeByName = new Map<string, string>();
    for (const child of repositories) {
      const repository = readRepository(child, forge, placeByName, context);
      if (repository !== undefined) {
        forge.repositories.push(repository);
      }
    }
    forges.push(forge);
  }
  return forges;
}

function readRepository(
  section: Section,
  forge: ForgeSettings,
  placeByName: Map<string, string>,
  context: SecretContext,
): RepositorySettings | undefined {
  const { problems } = context;
  const found = readValues(repositorySettings, section, problems);
  const { name, path, url } = found;
  if (!section.values.has('name')) {
    problems.add(section.place, 'repository needs a name: repository "acme/app"');
  }
  noteTwin(placeByName, name, 'repository', problems);
  if (forge.kind === 'git') {
    if (path !== undefined && url !== undefined) {
      problems.add(url.place, 'path and url say the same: keep one of the two');
    } else if (!section.values.has('path') && !section.values.has('url')) {
      problems.add(section.place, 'a repository of a "git" forge needs its path="/srv/git/app.git" or url="…"');
    }
  } else {
    if (path !== undefined) {
      problems.add(
        path.place,
        `path: a repository of a "${forge.kind}" forge is cloned from the forge; it has no path`,
      );
    }
    if (name !== undefined && !/^[^/]+\/[^/]+$/.test(name.value)) {
      problems.add(name.place, `name: ${JSON.stringify(name.value)} is not of the form "owner/name"`);
    }
  }
  const webhookSecret = readSecret('webhook_secret', found.webhook_secret, found.webhook_secret_file, context);
  if (name === undefined) {
    return undefined;
  }
  const cloneUrl = path ? context.resolvePath(path) : (url?.value ?? defaultCloneUrl(forge, name.value));
  return { name: name.value, cloneUrl, webhookSecret };
}

/** Where a repository of this forge is cloned from, unless its settings say; undefined for a plain git forge. */
export function defaultCloneUrl(forge: Pick<ForgeSettings, 'kind' | 'url'>, name: string): string | undefined {
  switch (forge.kind) {
    case 'git':
      return undefined;
    case 'forgejo':
      return forge.url === undefined ? undefined : `${forge.url}/${name}.git`;
    case 'github':
      // GitHub's API is api.github.com, an Enterprise Server's is https://<host>/api/v3.
      return `${(forge.url ?? '').replace('://api.github.com', '://github.com').replace(/\/api\/v3$/, '')}/${name}.git`;
    default:
      return assertNever(forge.kind);
  }
}

function noteTwin(places: Map<string, string>, found: Found<string> | undefined, what: string, problems: Problems) {
  if (found === undefined) {
    return;
  }
  const earlier = places.get(found.value);
  if (earlier !== undefined) {
    problems.add(found.place, `${what} "${found.value}" is there twice, first at ${earlier}`);
  } else {
    places.set(found.value, found.place);
  }
}
