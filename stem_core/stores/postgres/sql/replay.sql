-- Makes dead letters ready again, as if they had never run, and takes their records back. Returns the ids.
WITH raised AS (
  DELETE FROM letters l USING queues q
  WHERE q.namespace = %(namespace)s AND q.name = %(queue)s AND l.queue = q.id AND l.id = ANY (%(ids)s::text[])
    AND NOT EXISTS (SELECT FROM jobs j WHERE j.namespace = %(namespace)s AND j.id = l.id)
  RETURNING l.*
), added AS (
  INSERT INTO jobs (namespace, queue, id, rank, state, deliveries, body)
  SELECT %(namespace)s, queue, id, rank | 1, 'ready', deliveries, body FROM raised ORDER BY number
), unkept AS (
  DELETE FROM records r USING raised WHERE r.namespace = %(namespace)s AND r.id = raised.id
), counted AS (
  INSERT INTO counters AS c (queue, published, dead)
  SELECT queue, count(*), -count(*) FROM raised GROUP BY queue
  ON CONFLICT (queue, shard) DO UPDATE SET published = c.published + excluded.published, dead = c.dead + excluded.dead
)
SELECT id FROM raised
