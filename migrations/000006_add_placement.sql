-- Older code survives it: what it queues gets its needs from the trigger below. But older orchestrators do not know a
-- job's `place`, nor its `resources`, nor that a host is kept: have them replaced before workflows use these.

-- What decides where an attempt may go, as JSON: pool, hosts to avoid, resources, place. Attempts with equal texts fit
-- the same hosts, so a claim looks at one of each kind, however many wait.
alter table attempts add column needs text;

update attempts set needs = json_build_object('pool', pool, 'avoidHosts', avoid_hosts)::text where state = 'queued';

create function fill_in_needs() returns trigger language plpgsql as $$
begin
  new.needs := json_build_object('pool', new.pool, 'avoidHosts', new.avoid_hosts)::text;
  return new;
end
$$;
create trigger attempts_needs before insert on attempts
  for each row when (new.needs is null) execute function fill_in_needs();

-- Hashed, because an index takes no long texts, and a job may name many hosts.
create index attempts_waiting on attempts (md5(needs), ordinal) where state = 'queued';
drop index attempts_queued_avoiding;

-- Hosts whose room is left for one attempt that has waited for too long. A row counts only while its attempt is queued
-- and may go to that host; the next claim takes the others away. Written before any run is locked.
create table kept_hosts (
  host_id text primary key references hosts (id) on delete cascade,
  attempt_id text not null unique references attempts (id) on delete cascade,
  since timestamptz not null
);
