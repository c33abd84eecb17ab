-- Takes a token. Returns the seconds until there is one, 0 if one was taken.
INSERT INTO buckets AS b (namespace, name, tokens, since, wait, expires)
VALUES (
  %(namespace)s, %(name)s, %(burst)s::float8 - 1, epoch(), 0, epoch() + %(burst)s::float8 / %(rate)s::float8
)
ON CONFLICT (namespace, name) DO UPDATE SET (tokens, since, wait, expires) = (
  SELECT
    CASE WHEN filled >= 1 THEN filled - 1 ELSE filled END,
    now,
    CASE WHEN filled >= 1 THEN 0 ELSE (1 - filled) / %(rate)s::float8 END,
    now + %(burst)s::float8 / %(rate)s::float8
  FROM (
    SELECT now, least(%(burst)s::float8, b.tokens + greatest(0, now - b.since) * %(rate)s::float8) AS filled
    FROM (SELECT epoch() AS now) AS clock
  ) AS bucket
)
RETURNING wait
