-- Takes a token. Returns the seconds after which to ask again, 0 if one was taken.
INSERT INTO buckets AS b (namespace, name, tokens, since, wait, expires)
VALUES (
  %(namespace)s, %(name)s, %(burst)s::float8 - 1, epoch(), 0, epoch() + %(burst)s::float8 / %(rate)s::float8
)
ON CONFLICT (namespace, name) DO UPDATE SET (tokens, since, wait, expires) = (
  SELECT
    CASE WHEN filled >= 1 THEN filled - 1 ELSE filled END,
    now,
    CASE WHEN filled >= 1 THEN 0 ELSE turn - now END,
    CASE WHEN filled >= 1 THEN last ELSE turn END + %(burst)s::float8 / %(rate)s::float8
  FROM (
    SELECT
      *,
      least(
        greatest(now + (1 - filled) / %(rate)s::float8, last + 1 / %(rate)s::float8),
        now + greatest((1 - filled) / %(rate)s::float8, %(line)s::float8)
      ) AS turn
    FROM (
      SELECT
        now,
        least(%(burst)s::float8, b.tokens + greatest(0, now - b.since) * %(rate)s::float8) AS filled,
        greatest(now, b.expires - %(burst)s::float8 / %(rate)s::float8) AS last
      FROM (SELECT epoch() AS now) AS clock
    ) AS bucket
  ) AS asked
)
RETURNING wait
