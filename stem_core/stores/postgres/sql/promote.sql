-- Makes due jobs ready, in the order of their times. Returns for each queue its name, how many it got, and the seconds
-- until the next one that was not due yet. Each is looked up by its key, see settle.sql. The moment is taken once: an
-- index can be searched for a fixed one only, and all that waits would be read to compare it with a clock that goes on.
WITH moment AS MATERIALIZED (SELECT epoch() AS now), due AS (
  SELECT j.namespace, j.id, j.due, j.place, q.id AS queue
  FROM queues q
  JOIN LATERAL (
    SELECT namespace, id, due, place FROM jobs
    WHERE queue = q.id AND state = 'delayed' AND due > (SELECT now FROM moment) - %(back)s::float8
      AND due <= (SELECT now FROM moment)
    ORDER BY due LIMIT %(most)s FOR UPDATE SKIP LOCKED
  ) AS j ON true
  WHERE q.namespace = %(namespace)s AND q.name = ANY (%(queues)s::text[])
), promoted AS (
  UPDATE jobs j SET place = d.next_place, state = 'ready', since = epoch(), due = NULL
  FROM (SELECT *, nextval('places') AS next_place FROM (SELECT * FROM due WHERE place = place + 0 ORDER BY due.due) AS sorted) AS d
  WHERE j.namespace = d.namespace AND j.id = d.id
  RETURNING j.queue
), counted AS (
  INSERT INTO counters AS c (queue, delayed)
  SELECT queue, -count(*) FROM promoted GROUP BY queue ORDER BY queue
  ON CONFLICT (queue, shard) DO UPDATE SET delayed = c.delayed + excluded.delayed
)
SELECT q.name, (SELECT count(*) FROM promoted p WHERE p.queue = q.id), n.due - (SELECT now FROM moment)
FROM queues q
LEFT JOIN LATERAL (
  SELECT due FROM jobs
  WHERE queue = q.id AND state = 'delayed' AND due > (SELECT now FROM moment)
  ORDER BY due LIMIT 1
) AS n ON true
WHERE q.namespace = %(namespace)s AND q.name = ANY (%(queues)s::text[])
