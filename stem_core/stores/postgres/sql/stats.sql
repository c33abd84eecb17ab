SELECT q.name, c.published - c.succeeded - c.failed - c.cancelled - c.inflight - c.delayed, c.*,
  (
    SELECT epoch() - min(head.since)
    FROM generate_series(0, 19) AS lane (rank)
    JOIN LATERAL (
      SELECT since FROM jobs
      WHERE queue = q.id AND state = 'ready' AND rank = lane.rank::smallint ORDER BY place LIMIT 1
    ) AS head ON true
    WHERE q.levels & (1 << (9 - lane.rank / 2)) <> 0
  ),
  CASE WHEN q.paused_until <= epoch() THEN NULL ELSE q.pause END
FROM queues q
JOIN LATERAL (
  SELECT coalesce(sum(inflight), 0)::bigint AS inflight, coalesce(sum(delayed), 0)::bigint AS delayed,
    coalesce(sum(dead), 0)::bigint AS dead, coalesce(sum(published), 0)::bigint AS published,
    coalesce(sum(succeeded), 0)::bigint AS succeeded, coalesce(sum(failed), 0)::bigint AS failed,
    coalesce(sum(cancelled), 0)::bigint AS cancelled, coalesce(sum(retried), 0)::bigint AS retried
  FROM counters WHERE queue = q.id
) AS c ON true
WHERE q.namespace = %(namespace)s AND q.name = ANY (%(queues)s::text[])
