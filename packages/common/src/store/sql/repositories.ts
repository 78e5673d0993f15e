import type { Repository } from '../port/index.js';
import { isRowId, type Queryable, row } from './queryable.js';

interface RepositoryRow {
  id: string;
  forge: string;
  forge_repository_id: string | null;
  name: string;
  clone_url: string;
  default_branch: string | null;
  sealed_webhook_secret: Uint8Array | null;
  origin: Repository['origin'];
  created_at: Date;
}

const columns = `id::text, forge, forge_repository_id, name, clone_url, default_branch, sealed_webhook_secret, origin,
  created_at`;

function repositoryOf(found: RepositoryRow): Repository {
  return {
    id: found.id,
    forge: found.forge,
    forgeRepositoryId: found.forge_repository_id ?? undefined,
    name: found.name,
    cloneUrl: found.clone_url,
    defaultBranch: found.default_branch ?? undefined,
    sealedWebhookSecret: found.sealed_webhook_secret ?? undefined,
    origin: found.origin,
    createdAt: found.created_at,
  };
}

export async function upsertRepository(
  tx: Queryable,
  given: Omit<Repository, 'id' | 'createdAt'>,
  now: Date,
): Promise<Repository> {
  const [stored] = await tx.rows<RepositoryRow>(
    `insert into repositories as r
       (forge, forge_repository_id, name, clone_url, default_branch, sealed_webhook_secret, origin, created_at)
     values ($1, $2, $3, $4, $5, $6, $7, $8)
     on conflict (forge, name) do update set
       forge_repository_id = coalesce(excluded.forge_repository_id, r.forge_repository_id),
       clone_url = excluded.clone_url,
       default_branch = coalesce(excluded.default_branch, r.default_branch),
       sealed_webhook_secret = coalesce(excluded.sealed_webhook_secret, r.sealed_webhook_secret),
       origin = excluded.origin
     returning ${columns}`,
    [
      given.forge,
      given.forgeRepositoryId,
      given.name,
      given.cloneUrl,
      given.defaultBranch,
      given.sealedWebhookSecret && Buffer.from(given.sealedWebhookSecret),
      given.origin,
      now,
    ],
  );
  if (stored === undefined) throw new Error('an upsert gave no row');
  return repositoryOf(stored);
}

export async function listRepositories(db: Queryable): Promise<Repository[]> {
  const rows = await db.rows<RepositoryRow>(
    `select ${columns} from repositories order by forge collate "C", name collate "C"`,
  );
  return rows.map(repositoryOf);
}

export async function getRepository(db: Queryable, id: string): Promise<Repository | undefined> {
  if (!isRowId(id)) return undefined;
  const found = await row<RepositoryRow>(db, `select ${columns} from repositories where id = $1`, [id]);
  return found && repositoryOf(found);
}

export async function findRepositoryNamed(db: Queryable, forge: string, name: string): Promise<Repository | undefined> {
  const found = await row<RepositoryRow>(db, `select ${columns} from repositories where forge = $1 and name = $2`, [
    forge,
    name,
  ]);
  return found && repositoryOf(found);
}

/** The same, locked against other changes of it. */
export async function lockRepositoryNamed(tx: Queryable, forge: string, name: string): Promise<Repository | undefined> {
  const found = await row<RepositoryRow>(
    tx,
    `select ${columns} from repositories where forge = $1 and name = $2 for no key update`,
    [forge, name],
  );
  return found && repositoryOf(found);
}

/** Those that a forge's words may mean: by its id, by name. Locked, oldest first. */
export async function lockCandidates(
  tx: Queryable,
  forge: string,
  ref: { forgeRepositoryId: string; name: string },
): Promise<Repository[]> {
  const rows = await tx.rows<RepositoryRow>(
    `select ${columns} from repositories
     where forge = $1 and (forge_repository_id = $2 or name = $3)
     order by repositories.id for no key update`,
    [forge, ref.forgeRepositoryId, ref.name],
  );
  return rows.map(repositoryOf);
}

export async function rememberForgeName(
  tx: Queryable,
  id: string,
  known: { forgeRepositoryId: string; name: string },
): Promise<void> {
  await tx.rows('update repositories set forge_repository_id = $2, name = $3 where id = $1', [
    id,
    known.forgeRepositoryId,
    known.name,
  ]);
}
