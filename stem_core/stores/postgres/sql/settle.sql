-- Ends jobs that are still their owner's, and keeps what became of them. Returns id, place and owner of those.
-- Each is looked up by its key: `place + 0` lets the planner take the list for one row, so that no scan looks cheaper,
-- whatever it believes of the table; and no index of states serves, which is full of dead entries of what has ended.
WITH ended AS (
  DELETE FROM jobs j
  USING unnest(
    %(ids)s::text[], %(places)s::bigint[], %(owners)s::text[], %(kinds)s::text[], %(records)s::bytea[],
    %(ttls)s::float8[], %(reasons)s::text[], %(errors)s::text[]
  ) AS g (id, place, owner, kind, record, ttl, reason, error)
  WHERE j.namespace = %(namespace)s AND j.id = g.id AND j.place = g.place AND j.owner = g.owner
    AND j.state IS NOT DISTINCT FROM 'inflight' AND g.place = g.place + 0
  RETURNING j.queue, j.id, j.place, j.owner, j.rank, j.attempt, j.deliveries, CASE g.kind WHEN 'dead' THEN j.body END AS body,
    g.kind, g.record, g.ttl, g.reason, g.error
), kept AS (
  INSERT INTO records AS r (namespace, queue, id, deliveries, expires, body)
  SELECT %(namespace)s, queue, id, deliveries, epoch() + ttl, record FROM ended WHERE record IS NOT NULL
  ON CONFLICT (namespace, id) DO UPDATE SET
    queue = excluded.queue, kept_at = excluded.kept_at, expires = excluded.expires, deliveries = excluded.deliveries,
    body = excluded.body
  WHERE r.expires <= epoch() OR r.deliveries < excluded.deliveries
), buried AS (
  INSERT INTO letters (queue, id, rank, attempt, deliveries, reason, error, body)
  SELECT queue, id, rank, attempt, deliveries, reason, error, body FROM ended WHERE kind = 'dead'
  ON CONFLICT (queue, id) DO UPDATE SET
    number = excluded.number, died_at = excluded.died_at, rank = excluded.rank, attempt = excluded.attempt,
    deliveries = excluded.deliveries, reason = excluded.reason, error = excluded.error, body = excluded.body
  RETURNING queue, (xmax = 0)::int AS is_new
), forgotten AS (
  DELETE FROM revocations v USING ended WHERE v.namespace = %(namespace)s AND v.id = ended.id
), counted AS (
  INSERT INTO counters AS c (queue, inflight, succeeded, cancelled, failed, dead)
  SELECT queue, -sum(held), sum((kind = 'succeeded')::int), sum((kind = 'revoked')::int), sum((kind = 'dead')::int),
    sum(is_new)
  FROM (SELECT queue, kind, 1 AS held, 0 AS is_new FROM ended UNION ALL SELECT queue, '', 0, is_new FROM buried) AS one
  GROUP BY queue ORDER BY queue
  ON CONFLICT (queue, shard) DO UPDATE SET
    inflight = c.inflight + excluded.inflight, succeeded = c.succeeded + excluded.succeeded,
    cancelled = c.cancelled + excluded.cancelled, failed = c.failed + excluded.failed, dead = c.dead + excluded.dead
)
SELECT id, place, owner FROM ended
