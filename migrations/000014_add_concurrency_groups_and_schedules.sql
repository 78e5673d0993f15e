-- Older code does not survive it: it would plan runs past their concurrency groups, and cannot read the events of schedules.

-- Locked before any of its runs. Goes with its last member.
create table concurrency_groups (
  id bigint generated always as identity primary key,
  repository_id bigint not null references repositories (id),
  name text not null,
  constraint concurrency_groups_name unique (repository_id, name)
);

-- A run in its group, written under the group's lock only. Stays after the run's end for as long as an older event may still
-- have to be planned. Whether it is held, or has ended, stands in its run.
create table concurrency_members (
  run_id uuid primary key references runs (id),
  group_id bigint not null references concurrency_groups (id),
  -- The place of its event in the inbox.
  event_order bigint not null,
  -- Between runs of one event, and for who came to the group after whom.
  entered bigint generated always as identity,
  workflow text not null,
  policy text not null check (policy in ('supersede', 'queue')),
  -- It was told that a newer run takes its place.
  superseded boolean not null default false
);
create index concurrency_members_group on concurrency_members (group_id, event_order, entered);

-- For one that is in a group, and for those that do it again.
alter table runs add column event_order bigint;

-- From which push to its default branch a repository's schedules were read last.
create table schedule_sources (
  repository_id bigint primary key references repositories (id),
  event_order bigint not null,
  commit text not null
);

create table schedules (
  id bigint generated always as identity primary key,
  repository_id bigint not null references repositories (id),
  file text not null,
  workflow text not null,
  cron text not null,
  timezone text not null,
  missed text not null check (missed in ('run-once', 'skip')),
  -- Null: none comes any more.
  next_at timestamptz,
  last_at timestamptz,
  last_delivery_id bigint references deliveries (id),
  -- Ticks that nobody took in time, and that no run was made for.
  skipped integer not null default 0,
  -- The newest commit, if its file is broken there: this is what the file said before.
  stale_at_commit text,
  constraint schedules_tick unique (repository_id, file, cron, timezone)
);
create index schedules_due on schedules (next_at);
