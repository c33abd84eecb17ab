-- The first record of the highest delivery count stands. Returns the ids of those that were kept.
INSERT INTO records AS r (namespace, queue, id, deliveries, expires, body)
SELECT %(namespace)s, q.id, g.id, g.deliveries, epoch() + g.ttl, g.body
FROM unnest(
  %(queues)s::text[], %(ids)s::text[], %(deliveries)s::int[], %(ttls)s::float8[], %(records)s::bytea[]
) AS g (queue, id, deliveries, ttl, body)
LEFT JOIN queues q ON q.namespace = %(namespace)s AND q.name = g.queue
ON CONFLICT (namespace, id) DO UPDATE SET
  queue = excluded.queue, kept_at = excluded.kept_at, expires = excluded.expires, deliveries = excluded.deliveries,
  body = excluded.body
WHERE r.expires <= epoch() OR r.deliveries < excluded.deliveries
RETURNING id
