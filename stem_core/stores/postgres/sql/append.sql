-- Numbers of a topic begin with the time, so that one that vanished and begins anew goes on above its old cursors.
-- What topics tell need not be on disk before the reply: nobody waits for the disk while holding the topic's row.
WITH topic AS (
  INSERT INTO topics AS t (namespace, name, first, last, expires)
  VALUES (
    %(namespace)s, %(topic)s, (epoch() * 1e6)::bigint + 1, (epoch() * 1e6)::bigint + cardinality(%(bodies)s::bytea[]),
    epoch() + %(ttl)s::float8
  )
  ON CONFLICT (namespace, name) DO UPDATE SET
    last = t.last + cardinality(%(bodies)s::bytea[]),
    first = CASE
      WHEN t.expires <= epoch() THEN t.last + 1
      ELSE greatest(t.first, t.last + cardinality(%(bodies)s::bytea[]) - %(kept)s + 1)
    END,
    expires = excluded.expires
  RETURNING id, last
), added AS (
  INSERT INTO entries (topic, number, body)
  SELECT t.id, t.last - cardinality(%(bodies)s::bytea[]) + g.n, g.body
  FROM topic t, unnest(%(bodies)s::bytea[]) WITH ORDINALITY AS g (body, n)
)
SELECT set_config('synchronous_commit', 'off', true) FROM topic
