-- What waits is cancelled, what has ended is left alone, and the rest is marked. `records` end where the envelope begins;
-- without one, a waiting job is only marked. Returns the id and what was done.
WITH given AS (
  SELECT * FROM unnest(%(ids)s::text[], %(untils)s::float8[], %(bodies)s::text[], %(records)s::bytea[])
    AS g (id, until, body, record)
), cancelled AS (
  DELETE FROM jobs j USING given g
  WHERE j.namespace = %(namespace)s AND j.id = g.id AND j.state <> 'inflight' AND g.record IS NOT NULL
  RETURNING j.queue, j.id, j.state, j.deliveries, g.record || j.body || '}'::bytea AS record
), kept AS (
  INSERT INTO records (namespace, queue, id, deliveries, expires, body)
  SELECT %(namespace)s, queue, id, deliveries, epoch() + %(ttl)s::float8, record FROM cancelled
  ON CONFLICT (namespace, id) DO UPDATE SET
    queue = excluded.queue, kept_at = excluded.kept_at, expires = excluded.expires, deliveries = excluded.deliveries,
    body = excluded.body
), counted AS (
  INSERT INTO counters AS c (queue, cancelled, delayed)
  SELECT queue, count(*), -count(*) FILTER (WHERE state = 'delayed') FROM cancelled GROUP BY queue ORDER BY queue
  ON CONFLICT (queue, shard) DO UPDATE SET
    cancelled = c.cancelled + excluded.cancelled, delayed = c.delayed + excluded.delayed
), answers AS (
  SELECT g.*, CASE
    WHEN EXISTS (SELECT FROM cancelled c WHERE c.id = g.id) THEN 'cancelled'
    WHEN EXISTS (
      SELECT FROM records r WHERE r.namespace = %(namespace)s AND r.id = g.id AND r.expires > epoch()
    ) AND NOT EXISTS (SELECT FROM jobs j WHERE j.namespace = %(namespace)s AND j.id = g.id) THEN 'ended'
    ELSE 'pending'
  END AS answer
  FROM given g
), marked AS (
  INSERT INTO revocations (namespace, id, until, body)
  SELECT %(namespace)s, id, until, body FROM answers WHERE answer = 'pending'
  ON CONFLICT (namespace, id) DO UPDATE SET until = excluded.until, body = excluded.body
)
SELECT id, answer FROM answers
