-- Makes jobs whose lease ran out ready again, before newer ones. A crash counts against what had started, and against
-- what was all that its owner held; what else an owner holds when one of its jobs is taken back is marked as shared, so
-- that the last one is not taken for the only one. Returns the names of the queues, and how many jobs each got back.
-- Each is looked up by its key, see settle.sql; the moment is taken once, see promote.sql.
WITH moment AS MATERIALIZED (SELECT epoch() AS now), lost AS (
  SELECT j.namespace, j.id, j.queue, j.owner, j.started, j.shared, j.place, q.name
  FROM queues q
  JOIN LATERAL (
    SELECT * FROM jobs
    WHERE queue = q.id AND state = 'inflight' AND expires > (SELECT now FROM moment) - %(back)s::float8
      AND expires <= (SELECT now FROM moment)
    ORDER BY expires LIMIT %(most)s FOR UPDATE SKIP LOCKED
  ) AS j ON true
  WHERE q.namespace = %(namespace)s AND q.name = ANY (%(queues)s::text[])
), held AS (
  SELECT j.namespace, j.id, j.owner, count(*) OVER (PARTITION BY j.owner) AS number
  FROM queues q JOIN jobs j ON j.queue = q.id AND j.state = 'inflight'
  WHERE (SELECT count(*) FROM lost) > 0 AND q.namespace = %(namespace)s AND j.owner = ANY (ARRAY(SELECT owner FROM lost))
), marked AS (
  UPDATE jobs j SET shared = true
  FROM (SELECT * FROM held WHERE number > 1 AND NOT EXISTS (SELECT FROM lost WHERE lost.id = held.id) ORDER BY id) AS h
  WHERE j.namespace = h.namespace AND j.id = h.id AND j.owner = h.owner AND NOT j.shared
), taken AS (
  UPDATE jobs j SET
    place = l.next_place, state = 'ready', since = epoch(), rank = j.rank & ~1,
    crashes = j.crashes + l.is_crash::int,
    crashed = CASE WHEN l.is_crash THEN array_append(j.crashed, j.owner) ELSE j.crashed END,
    owner = NULL, expires = NULL, started = false, shared = false
  FROM (
    SELECT sorted.*, nextval('places') AS next_place, sorted.started OR NOT (
      sorted.shared OR EXISTS (SELECT FROM held h WHERE h.id = sorted.id AND h.number > 1)
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
