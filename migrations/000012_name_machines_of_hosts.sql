-- The code before survives it: it leaves the column as it is.
-- The machine and the process that registered a host last, for whoever finds its name taken.

alter table hosts add column machine text;
