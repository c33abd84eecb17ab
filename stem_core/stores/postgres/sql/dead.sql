SELECT l.number, l.id, l.body, l.reason, l.error, l.attempt, l.deliveries, l.died_at
FROM queues q JOIN letters l ON l.queue = q.id
WHERE q.namespace = %(namespace)s AND q.name = %(queue)s AND l.number < %(below)s::bigint
ORDER BY l.number DESC LIMIT %(most)s
