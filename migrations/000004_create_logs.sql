-- First schema: no older code has to survive it.
-- Written for every flush of every runner: no foreign keys, one index.

create table log_chunks (
  attempt_id text not null,
  seq bigint not null,
  step integer not null,
  stream text not null,
  at timestamptz not null,
  body bytea not null,
  primary key (attempt_id, seq)
);
-- The bodies are mostly small, or compressed badly already by being small: compressing costs more than it gives.
alter table log_chunks alter column body set storage external;

-- What is stored of an attempt's records. Locked by each write of its records, so that they come one after the other.
create table attempt_progress (
  attempt_id text primary key,
  durable_seq bigint not null default 0,
  log_bytes bigint not null default 0
) with (fillfactor = 50);

create table attempt_steps (
  attempt_id text not null,
  step integer not null,
  state text not null,
  exit_code integer,
  signal text,
  started_at timestamptz,
  ended_at timestamptz,
  primary key (attempt_id, step)
);
