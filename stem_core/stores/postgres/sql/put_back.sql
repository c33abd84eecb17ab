-- Retries and hands back jobs that are still their owner's, in the order of their places. Returns id, place and owner of those.
-- Each is looked up by its key, see settle.sql.
WITH moved AS (
  UPDATE jobs j SET
    place = g.next_place,
    state = CASE WHEN g.delay > 0 THEN 'delayed'::state ELSE 'ready' END,
    due = CASE WHEN g.delay > 0 THEN epoch() + g.delay END,
    since = epoch(),
    rank = CASE WHEN g.is_retry THEN j.rank | 1 ELSE j.rank & ~1 END,
    attempt = j.attempt + g.is_retry::int,
    deliveries = j.deliveries - (NOT g.is_retry AND NOT g.started)::int,
    returns = CASE WHEN g.is_retry THEN 0 ELSE j.returns + g.unregistered::int END,
    crashes = CASE WHEN g.is_retry THEN 0 ELSE j.crashes END,
    crashed = CASE WHEN g.is_retry THEN NULL ELSE j.crashed END,
    owner = NULL, expires = NULL, started = false, shared = false
  FROM (
    SELECT *, nextval('places') AS next_place
    FROM (
      SELECT * FROM unnest(
        %(ids)s::text[], %(places)s::bigint[], %(owners)s::text[], %(retries)s::bool[], %(delays)s::float8[],
        %(started)s::bool[], %(unregistered)s::bool[]
      ) AS u (id, place, owner, is_retry, delay, started, unregistered)
      WHERE place = place + 0
      ORDER BY place
    ) AS sorted
  ) AS g
  WHERE j.namespace = %(namespace)s AND j.id = g.id AND j.place = g.place AND j.owner = g.owner
    AND j.state IS NOT DISTINCT FROM 'inflight'
  RETURNING j.queue, j.id, g.place, g.owner, j.state, g.is_retry
), counted AS (
  INSERT INTO counters AS c (queue, inflight, delayed, retried)
  SELECT queue, -count(*), count(*) FILTER (WHERE state = 'delayed'), count(*) FILTER (WHERE is_retry)
  FROM moved GROUP BY queue ORDER BY queue
  ON CONFLICT (queue, shard) DO UPDATE SET
    inflight = c.inflight + excluded.inflight, delayed = c.delayed + excluded.delayed,
    retried = c.retried + excluded.retried
)
SELECT id, place, owner FROM moved
