-- Begins to collect results; what was collected under that name before is dropped.
WITH dropped AS (
  DELETE FROM members m USING collections c
  WHERE m.collection = c.id AND c.namespace = %(namespace)s AND c.name = %(name)s
)
INSERT INTO collections (namespace, name, total, missing, expires)
VALUES (%(namespace)s, %(name)s, %(total)s, %(total)s, epoch() + %(ttl)s::float8)
ON CONFLICT (namespace, name) DO UPDATE SET
  total = excluded.total, missing = excluded.missing, expires = excluded.expires
