-- The code before survives it: it leaves the new columns as they are. A host of that code has the renewal time of its registration.

-- Who set the state last, when and why; null: nobody has.
alter table hosts add column state_by text;
alter table hosts add column state_reason text;
alter table hosts add column state_at timestamptz;
-- Of a draining host: from then on its work is handed back.
alter table hosts add column drain_until timestamptz;
alter table hosts add column load json;
alter table hosts add column renewed_at timestamptz;
alter table hosts add column version text;
