-- A call that is sent again finds its marker, waiting for it if the first one has not been committed yet. An id that is
-- known is not added again; each is looked up by its key, see settle.sql. A queue that is not known makes this fail: it must be registered first.
WITH fresh AS (
  INSERT INTO markers (marker) VALUES (%(marker)s::uuid) ON CONFLICT DO NOTHING RETURNING marker
), added AS (
  INSERT INTO jobs (namespace, queue, id, rank, state, due, body)
  SELECT %(namespace)s, q.id, g.id, (9 - g.priority) * 2 + 1,
    CASE WHEN greatest(g.delay, g.earliest - epoch()) > 0 THEN 'delayed'::state ELSE 'ready' END,
    CASE WHEN greatest(g.delay, g.earliest - epoch()) > 0 THEN greatest(epoch() + g.delay, g.earliest) END,
    g.body
  FROM unnest(
    %(queues)s::text[], %(ids)s::text[], %(priorities)s::int[], %(delays)s::float8[], %(earliest)s::float8[],
    %(bodies)s::bytea[]
  ) WITH ORDINALITY AS g (queue, id, priority, delay, earliest, body, n)
  LEFT JOIN queues q ON q.namespace = %(namespace)s AND q.name = g.queue
  WHERE EXISTS (SELECT FROM fresh) AND g.n = g.n + 0
    AND NOT EXISTS (
      SELECT FROM records r WHERE r.namespace = %(namespace)s AND r.id = g.id AND r.expires > epoch()
    )
  ORDER BY g.n
  ON CONFLICT (namespace, id) DO NOTHING
  RETURNING queue, state
)
INSERT INTO counters AS c (queue, published, delayed)
SELECT queue, count(*), count(*) FILTER (WHERE state = 'delayed') FROM added GROUP BY queue ORDER BY queue
ON CONFLICT (queue, shard) DO UPDATE SET
  published = c.published + excluded.published, delayed = c.delayed + excluded.delayed
