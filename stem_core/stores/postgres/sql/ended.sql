-- Records of some queues, or of all, those kept last first, after the one that was shown last.
SELECT r.kept_at, r.id, r.body
FROM queues q
JOIN LATERAL (
  SELECT kept_at, id, body FROM records
  WHERE queue = q.id AND kept_at >= %(since)s::float8 AND kept_at < %(until)s::float8
    AND kept_at <= %(last)s::float8 AND (kept_at < %(last)s::float8 OR id < %(last_id)s::text COLLATE "C")
    AND expires > epoch()
  ORDER BY kept_at DESC, id DESC LIMIT %(most)s
) AS r ON true
WHERE q.namespace = %(namespace)s AND (%(queues)s::text[] IS NULL OR q.name = ANY (%(queues)s::text[]))
ORDER BY r.kept_at DESC, r.id DESC LIMIT %(most)s
