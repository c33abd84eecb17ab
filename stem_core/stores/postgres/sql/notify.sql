-- Tells names to those who listen to a channel. Whoever does has a lock that says so (listening.py): a notification
-- wakes every session of the database that listens to anything, so that none is sent where nobody wants to hear it.
WITH told AS (
  SELECT pg_notify(%(channel)s, name) FROM unnest(%(names)s::text[]) AS given (name)
  WHERE NOT (SELECT pg_try_advisory_xact_lock(hashtextextended(%(channel)s, 0)))
)
SELECT set_config('synchronous_commit', 'off', true), (SELECT count(*) FROM told)
