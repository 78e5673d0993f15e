-- Older code goes on: it reports without the number, as before.
-- Two senders of one check, the first of them suspended beyond its lease: its report may come to the forge last.

alter table checks add column lease integer not null default 0;
alter table checks add column overtaken boolean not null default false;
