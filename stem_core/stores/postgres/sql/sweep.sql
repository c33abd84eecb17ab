-- Throws away what has run out. One at a time: who comes second has nothing to do. The moment is taken once, see
-- promote.sql.
WITH moment AS MATERIALIZED (SELECT epoch() AS now), alone AS MATERIALIZED (
  SELECT pg_try_advisory_xact_lock(hashtextextended(current_schema() || ' sweep', 0)) AS mine
), old_records AS (
  DELETE FROM records WHERE ctid = ANY (ARRAY(
    SELECT ctid FROM records WHERE expires <= (SELECT now FROM moment) AND (SELECT mine FROM alone)
    ORDER BY expires LIMIT %(most)s
  ))
), old_markers AS (
  DELETE FROM markers WHERE ctid = ANY (ARRAY(
    SELECT ctid FROM markers WHERE made <= (SELECT now FROM moment) - %(marker_life)s::float8 AND (SELECT mine FROM alone)
    ORDER BY made LIMIT %(most)s
  ))
), old_entries AS (
  DELETE FROM entries e USING topics t
  WHERE e.topic = t.id AND (SELECT mine FROM alone)
    AND e.number < CASE WHEN t.expires <= (SELECT now FROM moment) THEN 9223372036854775807 ELSE t.first END
), old_topics AS (
  DELETE FROM topics WHERE expires <= (SELECT now FROM moment) AND (SELECT mine FROM alone)
), old_workers AS (
  DELETE FROM workers WHERE expires <= (SELECT now FROM moment) AND (SELECT mine FROM alone)
), old_revocations AS (
  DELETE FROM revocations WHERE until <= (SELECT now FROM moment) AND (SELECT mine FROM alone)
), old_locks AS (
  DELETE FROM locks WHERE expires <= (SELECT now FROM moment) AND (SELECT mine FROM alone)
), old_buckets AS (
  DELETE FROM buckets WHERE expires <= (SELECT now FROM moment) AND (SELECT mine FROM alone)
), old_groups AS (
  DELETE FROM collections WHERE expires <= (SELECT now FROM moment) AND (SELECT mine FROM alone)
)
SELECT mine FROM alone
