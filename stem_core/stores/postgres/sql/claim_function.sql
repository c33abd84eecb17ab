-- Hands ready jobs to an owner: first a fair share from each queue, then whatever there is, queues in the order of `names`.
-- An eighth goes to a lower priority first, in turns, so that none starves.
--
-- Jobs that were taken leave dead entries at the head of the index, which take time to pass until they are vacuumed.
-- `heads` says for each queue and priority below which place there was nothing left a while ago. Only who finds nothing
-- from there on looks from the beginning.
CREATE FUNCTION claim(
  of_namespace int, names text[], heads bigint[], to_owner text, lease float8, most int, turn int
)
RETURNS TABLE (
  id text, queue text, body bytea, rank smallint, attempt int, deliveries int, returns int, crashes int, crashed text[],
  place bigint, revoked text
)
LANGUAGE plpgsql AS $$
#variable_conflict use_column
DECLARE
  room int := most;
  share int;
  eighth int;
  got int;
  more int;
  lane record;
  source record;
  lower int;
  plenty int[] := '{}';
BEGIN
  FOR round IN 1 .. 3 LOOP
    EXIT WHEN round = 3 AND room < most;
    FOR source IN
      SELECT q.id, q.name, q.levels, wanted.n
      FROM unnest(names) WITH ORDINALITY AS wanted (name, n)
      JOIN queues q ON q.namespace = of_namespace AND q.name = wanted.name
      WHERE q.pause IS NULL OR q.paused_until <= epoch()
      ORDER BY wanted.n
    LOOP
      EXIT WHEN room = 0;
      CONTINUE WHEN round = 2 AND source.id <> ALL (plenty);
      share := CASE round WHEN 1 THEN least(room, greatest(1, most / cardinality(names))) ELSE room END;
      eighth := CASE WHEN share >= 8 THEN share / 8 WHEN turn % 8 = 0 THEN 1 ELSE 0 END;
      lower := NULL;
      IF eighth > 0 AND source.levels & (source.levels - 1) <> 0 THEN
        WITH waiting AS (
          SELECT (9 - p) * 2 AS back, row_number() OVER (ORDER BY p DESC) - 2 AS n, count(*) OVER () - 1 AS number
          FROM generate_series(0, 9) p
          WHERE source.levels & (1 << p) <> 0 AND EXISTS (
            SELECT FROM jobs j
            WHERE j.queue = source.id AND j.state = 'ready' AND j.rank IN ((9 - p) * 2, (9 - p) * 2 + 1)
          )
        )
        SELECT back INTO lower FROM waiting WHERE n = turn / 8 % nullif(number, 0);
      END IF;
      got := 0;
      FOR lane IN
        SELECT * FROM (VALUES (lower, eighth), (lower + 1, eighth)) AS first (rank, size) WHERE rank IS NOT NULL
        UNION ALL (
          SELECT r, share FROM generate_series(0, 19) r WHERE source.levels & (1 << (9 - r / 2)) <> 0 ORDER BY r
        )
      LOOP
        CONTINUE WHEN got >= lane.size;
        RETURN QUERY
          WITH taken AS (
            UPDATE jobs j SET state = 'inflight', owner = to_owner, expires = epoch() + lease, deliveries = j.deliveries + 1
            WHERE j.ctid = ANY (ARRAY(
              SELECT r.ctid FROM jobs r
              WHERE r.queue = source.id AND r.state = 'ready' AND r.rank = lane.rank::smallint AND r.place >= CASE
                WHEN round < 3 AND lane.rank & 1 = 1 THEN coalesce(heads[source.n * 10 - lane.rank / 2], 0) ELSE 0
              END
              ORDER BY r.place LIMIT lane.size - got FOR UPDATE SKIP LOCKED
            ))
            RETURNING j.*
          )
          SELECT t.id, source.name, t.body, t.rank, t.attempt, t.deliveries, t.returns, t.crashes, t.crashed, t.place,
            (SELECT v.body FROM revocations v WHERE v.namespace = of_namespace AND v.id = t.id AND v.until > epoch())
          FROM taken t ORDER BY t.place;
        GET DIAGNOSTICS more = ROW_COUNT;
        got := got + more;
      END LOOP;
      IF got > 0 THEN
        INSERT INTO counters AS c (queue, inflight) VALUES (source.id, got)
        ON CONFLICT (queue, shard) DO UPDATE SET inflight = c.inflight + excluded.inflight;
      END IF;
      IF got = share THEN
        plenty := plenty || source.id;
      END IF;
      room := room - got;
    END LOOP;
  END LOOP;
END
$$;
