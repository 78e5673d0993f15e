-- First schema: no older code has to survive it.
-- JSON documents are of type json, not jsonb: they may hold \u0000 (in an error message, in an environment variable),
-- which jsonb refuses, and they are read whole.

create table repositories (
  id bigint generated always as identity primary key,
  forge text not null,
  forge_repository_id text,
  name text not null,
  clone_url text not null,
  default_branch text,
  sealed_webhook_secret bytea,
  origin text not null check (origin in ('settings', 'operator')),
  created_at timestamptz not null,
  constraint repositories_name unique (forge, name),
  constraint repositories_forge_id unique (forge, forge_repository_id)
);

create table deliveries (
  id bigint generated always as identity primary key,
  forge text not null,
  forge_delivery_id text not null,
  event_name text not null,
  repository_id bigint not null references repositories (id),
  event json,
  twin_key text,
  duplicate_of bigint references deliveries (id),
  body bytea not null,
  state text not null check (state in ('received', 'planned', 'ignored', 'failed')),
  reason text,
  tries integer not null default 0,
  next_try_at timestamptz,
  received_at timestamptz not null,
  constraint deliveries_forge_id unique (forge, forge_delivery_id)
);

-- Of two deliveries of one change at the same instant one is the first.
create unique index deliveries_twin on deliveries (forge, twin_key)
  where twin_key is not null and duplicate_of is null;
create index deliveries_due on deliveries (next_try_at, id) where state = 'received';
create index deliveries_state on deliveries (state, id);
