-- Older code survives it: it neither reads nor writes what is added here, and answers requests as if they had no key.

-- What a request has made that came with a key (Idempotency-Key): the same again gets the same, and makes nothing. Goes a
-- day after it was made.
create table request_keys (
  key text primary key,
  -- Hex SHA-256 of what was asked for: another request may not have this key.
  fingerprint text not null,
  -- {"runs": [{"id", "number", "pageKey"}], "reason"}
  answer json not null,
  at timestamptz not null
);
create index request_keys_at on request_keys (at);
