-- Older code survives it: it reads schedules with a push only, and keeps what is said here of older looks as it is.

-- Somebody has to look at the default branch of a repository, whose files say when workflows start by themselves, without
-- a push. A repository without a row was never looked at, and comes first.
create table schedule_looks (
  repository_id bigint primary key references repositories (id),
  -- Null: nobody has asked since the last look.
  due_at timestamptz,
  -- In somebody's hands until it is due again. The place in the inbox at which he began: what comes in later is newer.
  place bigint,
  tries integer not null default 0,
  -- What the last look met: why it has to be done again, or what there was instead of a branch.
  problem text,
  looked_at timestamptz
);

-- What the last reading met, whether it was for a push, a tick or a look. Null: older code did it.
alter table schedule_sources add column ref text;
alter table schedule_sources add column read_at timestamptz;
alter table schedule_sources add column workflows integer;
-- [{"file", "problem"}]
alter table schedule_sources add column broken json;
