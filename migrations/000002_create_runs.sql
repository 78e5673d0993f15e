-- First schema: no older code has to survive it.
-- A run is its events; runs, nodes and attempts are what they come to, for those who read and for the indexes.

create table legal_moves (
  machine text not null,
  from_state text not null,
  to_state text not null,
  primary key (machine, from_state, to_state)
);

-- Made by movesSql() of packages/common/src/flow/states.ts; a test compares.
insert into legal_moves (machine, from_state, to_state) values
  ('run', 'blocked', 'queued'),
  ('run', 'blocked', 'cancelled'),
  ('run', 'blocked', 'superseded'),
  ('run', 'queued', 'running'),
  ('run', 'queued', 'failed'),
  ('run', 'queued', 'cancelled'),
  ('run', 'queued', 'superseded'),
  ('run', 'running', 'succeeded'),
  ('run', 'running', 'failed'),
  ('run', 'running', 'cancelled'),
  ('run', 'running', 'superseded'),
  ('node', 'waiting', 'ready'),
  ('node', 'waiting', 'skipped'),
  ('node', 'waiting', 'cancelled'),
  ('node', 'ready', 'running'),
  ('node', 'ready', 'failed'),
  ('node', 'ready', 'timed_out'),
  ('node', 'ready', 'cancelled'),
  ('node', 'running', 'ready'),
  ('node', 'running', 'succeeded'),
  ('node', 'running', 'failed'),
  ('node', 'running', 'timed_out'),
  ('node', 'running', 'cancelled'),
  ('attempt', 'queued', 'claimed'),
  ('attempt', 'queued', 'cancelled'),
  ('attempt', 'queued', 'timed_out'),
  ('attempt', 'claimed', 'running'),
  ('attempt', 'claimed', 'cancelled'),
  ('attempt', 'claimed', 'lost'),
  ('attempt', 'claimed', 'refused'),
  ('attempt', 'running', 'succeeded'),
  ('attempt', 'running', 'failed'),
  ('attempt', 'running', 'timed_out'),
  ('attempt', 'running', 'cancelled'),
  ('attempt', 'running', 'lost');

-- The database itself refuses a move that the engine would never make: a second terminal state, above all.
create function refuse_illegal_move() returns trigger language plpgsql as $$
begin
  if not exists (
    select from legal_moves
    where machine = tg_argv[0] and from_state = old.state and to_state = new.state
  ) then
    raise exception 'illegal move of % from % to %', tg_argv[0], old.state, new.state
      using errcode = 'check_violation';
  end if;
  return new;
end
$$;

create table runs (
  id uuid primary key,
  number bigint generated always as identity,
  page_key text not null,
  repository_id bigint not null references repositories (id),
  delivery_id bigint references deliveries (id),
  workflow_name text not null,
  check_context text not null,
  source json not null,
  trigger json not null,
  state text not null,
  seq integer not null,
  open_nodes integer not null,
  cancel_requested json,
  cause json,
  created_at timestamptz not null,
  started_at timestamptz,
  ended_at timestamptz,
  constraint runs_number unique (number),
  constraint runs_page_key unique (page_key),
  -- One delivery makes one run of a workflow, however often it is planned.
  constraint runs_delivery_workflow unique (delivery_id, workflow_name)
);
create index runs_repository on runs (repository_id, number);
create index runs_state on runs (state, number);

create table run_events (
  run_id uuid not null references runs (id),
  seq integer not null,
  event json not null,
  primary key (run_id, seq)
);

create function refuse_change() returns trigger language plpgsql as $$
begin
  raise exception '% is append-only', tg_table_name using errcode = 'check_violation';
end
$$;
create trigger run_events_append_only before update on run_events
  for each statement execute function refuse_change();

create table nodes (
  run_id uuid not null references runs (id),
  id text not null,
  position integer not null,
  state text not null,
  cause json,
  ended_at timestamptz,
  primary key (run_id, id)
);

create table attempts (
  id text primary key,
  run_id uuid not null references runs (id),
  node_id text not null,
  number integer not null,
  -- The order in which attempts were queued, on one clock: the database's own counting.
  ordinal bigint generated always as identity,
  state text not null,
  pool text not null,
  not_before timestamptz not null,
  avoid_hosts text[] not null,
  host_id text,
  worker_id text,
  request_id text,
  cancel_requested json,
  cause json,
  queued_at timestamptz not null,
  claimed_at timestamptz,
  started_at timestamptz,
  ended_at timestamptz,
  constraint attempts_node_number unique (run_id, node_id, number),
  foreign key (run_id, node_id) references nodes (run_id, id)
);
create index attempts_queued on attempts (pool, ordinal) where state = 'queued';
create index attempts_queued_avoiding on attempts (pool, ordinal) where state = 'queued' and avoid_hosts <> '{}';
-- Two terminal results of one node are impossible; two live attempts of it as well.
create unique index attempts_live on attempts (run_id, node_id) where state in ('queued', 'claimed', 'running');
-- The same request is the same claim.
create unique index attempts_request on attempts (host_id, request_id) where request_id is not null;

create trigger runs_moves before update of state on runs
  for each row when (old.state is distinct from new.state) execute function refuse_illegal_move('run');
create trigger nodes_moves before update of state on nodes
  for each row when (old.state is distinct from new.state) execute function refuse_illegal_move('node');
create trigger attempts_moves before update of state on attempts
  for each row when (old.state is distinct from new.state) execute function refuse_illegal_move('attempt');
