-- Older code survives it: it neither reads nor writes these columns, and what it makes starts a trace of its own.
-- W3C trace context ({"traceparent", "tracestate"}) of the span that caused the row.

alter table deliveries add column trace json;
alter table runs add column trace json;
alter table checks add column trace json;
alter table outbox add column trace json;
