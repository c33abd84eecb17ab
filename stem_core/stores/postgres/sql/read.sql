SELECT t.name, e.number, e.body
FROM unnest(%(topics)s::text[], %(cursors)s::bigint[]) AS g (topic, cursor)
JOIN topics t ON t.namespace = %(namespace)s AND t.name = g.topic AND (t.expires IS NULL OR t.expires > epoch())
JOIN LATERAL (
  SELECT number, body FROM entries
  WHERE topic = t.id AND number > greatest(g.cursor, t.first - 1) ORDER BY number LIMIT %(most)s
) AS e ON true
