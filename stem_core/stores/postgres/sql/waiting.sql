SELECT j.id, q.name, j.state::text, j.body, j.attempt, j.deliveries, j.owner, j.due
FROM queues q
JOIN LATERAL (
  (SELECT 1 AS lane, * FROM jobs WHERE queue = q.id AND state = 'ready' ORDER BY rank, place LIMIT %(most)s)
  UNION ALL
  (SELECT 2, * FROM jobs WHERE queue = q.id AND state = 'delayed' ORDER BY due LIMIT %(most)s)
) AS j ON true
WHERE q.namespace = %(namespace)s AND q.name = %(queue)s
ORDER BY j.lane, j.rank * (2 - j.lane), j.due, j.place LIMIT %(most)s
