-- Older code does not survive it: it cannot read the events of timers, and does not keep the table up to date.
-- What runs wait for in time, for whoever fires what is due: a projection like the others, written with each command.

create table timers (
  key text primary key,
  run_id uuid not null references runs (id),
  fire_at timestamptz not null
);
create index timers_due on timers (fire_at);
create index timers_run on timers (run_id);

-- Hosts were told that it may be claimed, after it had to wait.
alter table attempts add column due boolean not null default false;

alter table nodes add column outputs json;
alter table nodes add column tolerated boolean not null default false;
alter table nodes add column ready_at timestamptz;

insert into timers (key, run_id, fire_at)
select 'backoff:' || id, run_id, not_before from attempts where state = 'queued' and not_before > queued_at;
