WITH purged AS (
  DELETE FROM letters l USING queues q
  WHERE q.namespace = %(namespace)s AND q.name = %(queue)s AND l.queue = q.id AND l.id = ANY (%(ids)s::text[])
  RETURNING l.queue, l.id
), counted AS (
  INSERT INTO counters AS c (queue, dead) SELECT queue, -count(*) FROM purged GROUP BY queue
  ON CONFLICT (queue, shard) DO UPDATE SET dead = c.dead + excluded.dead
)
SELECT id FROM purged
