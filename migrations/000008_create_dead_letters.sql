-- The code before survives it: it does not know the table.

create table dead_letters (
  id bigint generated always as identity primary key,
  -- Of all that follows: the same letter is stored once.
  digest bytea not null,
  queue text not null,
  routing_key text not null,
  reason text not null,
  body bytea not null,
  died_at timestamptz not null,
  constraint dead_letters_digest unique (digest)
);
