-- First schema: no older code has to survive it.

-- What a forge should show. Level-triggered: whoever reports sends the newest desired version, until it was accepted.
create table checks (
  id bigint generated always as identity primary key,
  forge text not null,
  repository_id bigint not null references repositories (id),
  repository_name text not null,
  commit text not null,
  context text not null,
  run_id uuid references runs (id),
  -- The number of the run that it shows; of a check without a run, the highest number that there was.
  generation bigint not null,
  desired json not null,
  desired_version integer not null,
  sent_version integer not null default 0,
  tries integer not null default 0,
  next_try_at timestamptz,
  last_error text,
  leased_until timestamptz,
  constraint checks_target unique (forge, repository_id, commit, context)
);
create index checks_unsent on checks (forge, id) where desired_version > sent_version;
create index checks_run on checks (run_id);

create table outbox (
  id bigint generated always as identity primary key,
  message json not null,
  created_at timestamptz not null
);
