WITH told AS (
  INSERT INTO workers (namespace, name, seen, expires, body)
  VALUES (%(namespace)s, %(worker)s, epoch(), epoch() + %(ttl)s::float8, %(body)s)
  ON CONFLICT (namespace, name) DO UPDATE SET seen = excluded.seen, expires = excluded.expires, body = excluded.body
)
SELECT set_config('synchronous_commit', 'off', true)
