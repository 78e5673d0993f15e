-- Older code does not survive it: it cannot read the events of gates and branches, nor those of a run that is done again.

-- The run that it does again: perhaps one that stayed behind in the installation from which this one was imported.
alter table runs add column rerun_of uuid;
-- How often in a row it was done again; 1: the first time.
alter table runs add column generation integer;
alter table runs add column rerun_by text;
-- It waits for its turn in its concurrency group.
alter table runs add column held boolean not null default false;

-- What was decided of a gate, in order.
alter table nodes add column decisions json;
-- It was not done again: the run in which it ended.
alter table nodes add column reused_from uuid;
