-- First schema: no older code has to survive it.

create table hosts (
  id text primary key,
  key_hash bytea not null,
  instance text not null,
  state text not null check (state in ('active', 'draining', 'cordoned')),
  cpus double precision not null,
  memory_bytes bigint not null,
  slots integer not null,
  pools json not null,
  notes text[] not null,
  renewals bigint not null default 0,
  lease_until timestamptz not null,
  registered_at timestamptz not null
);

-- A row is a reservation: it ends when the worker has been destroyed, not when its attempt has ended.
create table workers (
  id text primary key,
  host_id text not null references hosts (id),
  attempt_id text not null,
  -- The fence that its attempt has, or had at its end: a result that comes again is known by it.
  instance text not null,
  epoch integer not null,
  pool_offer json not null,
  cpus double precision not null,
  memory_bytes bigint not null,
  token_hash bytea not null,
  session_hash bytea,
  constraint workers_attempt unique (attempt_id)
);
create index workers_host on workers (host_id);

-- The right to write for an attempt. Every write that a worker causes locks its row in the same transaction; the event
-- that ends the attempt deletes it.
create table leases (
  attempt_id text primary key references attempts (id),
  host_id text not null references hosts (id),
  instance text not null,
  epoch integer not null
);
create index leases_host on leases (host_id);
