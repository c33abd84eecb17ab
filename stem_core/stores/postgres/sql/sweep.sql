-- Throws away what has run out. One at a time: who comes second has nothing to do.
WITH alone AS MATERIALIZED (
  SELECT pg_try_advisory_xact_lock(hashtextextended(current_schema() || ' sweep', 0)) AS mine
), old_records AS (
  DELETE FROM records WHERE ctid = ANY (ARRAY(
    SELECT ctid FROM records WHERE expires <= epoch() AND (SELECT mine FROM alone) ORDER BY expires LIMIT %(most)s
  ))
), old_markers AS (
  DELETE FROM markers WHERE ctid = ANY (ARRAY(
    SELECT ctid FROM markers WHERE made <= epoch() - %(marker_life)s::float8 AND (SELECT mine FROM alone)
    ORDER BY made LIMIT %(most)s
  ))
), old_entries AS (
  DELETE FROM entries e USING topics t
  WHERE e.topic = t.id AND (e.number < t.first OR t.expires <= epoch()) AND (SELECT mine FROM alone)
), old_topics AS (
  DELETE FROM topics WHERE expires <= epoch() AND (SELECT mine FROM alone)
), old_workers AS (
  DELETE FROM workers WHERE expires <= epoch() AND (SELECT mine FROM alone)
), old_revocations AS (
  DELETE FROM revocations WHERE until <= epoch() AND (SELECT mine FROM alone)
), old_locks AS (
  DELETE FROM locks WHERE expires <= epoch() AND (SELECT mine FROM alone)
), old_buckets AS (
  DELETE FROM buckets WHERE expires <= epoch() AND (SELECT mine FROM alone)
), old_groups AS (
  DELETE FROM collections WHERE expires <= epoch() AND (SELECT mine FROM alone)
)
SELECT mine FROM alone
