-- Makes jobs whose lease ran out ready again, before newer ones. A crash counts against what had started, and against
-- what was all that its owner held of the queue. Returns the names of the queues, and how many jobs each got back.
-- Each is looked up by its key, see settle.sql.
WITH lost AS (
  SELECT j.namespace, j.id, j.queue, j.owner, j.started, j.place, q.name
  FROM queues q
  JOIN LATERAL (
    SELECT * FROM jobs
    WHERE queue = q.id AND state = 'inflight' AND expires > epoch() - %(back)s::float8 AND expires <= epoch()
    ORDER BY expires LIMIT %(most)s FOR UPDATE SKIP LOCKED
  ) AS j ON true
  WHERE q.namespace = %(namespace)s AND q.name = ANY (%(queues)s::text[])
), taken AS (
  UPDATE jobs j SET
    place = l.next_place, state = 'ready', since = epoch(), rank = j.rank & ~1,
    crashes = j.crashes + l.is_crash::int,
    crashed = CASE WHEN l.is_crash THEN array_append(j.crashed, j.owner) ELSE j.crashed END,
    owner = NULL, expires = NULL, started = false
  FROM (
    SELECT sorted.*, nextval('places') AS next_place, sorted.started OR NOT EXISTS (
      SELECT FROM jobs h
      WHERE h.queue = sorted.queue AND h.state = 'inflight' AND h.owner = sorted.owner AND h.id <> sorted.id
    ) AS is_crash
    FROM (SELECT * FROM lost WHERE place = place + 0 ORDER BY place) AS sorted
  ) AS l
  WHERE j.namespace = l.namespace AND j.id = l.id
  RETURNING j.queue, l.name
), counted AS (
  INSERT INTO counters AS c (queue, inflight)
  SELECT queue, -count(*) FROM taken GROUP BY queue ORDER BY queue
  ON CONFLICT (queue, shard) DO UPDATE SET inflight = c.inflight + excluded.inflight
)
SELECT name, count(*) FROM taken GROUP BY name
