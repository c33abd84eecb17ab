-- Takes a lock that is free or this owner's. Returns who has it; nothing, if it was taken in this very moment.
WITH taken AS (
  INSERT INTO locks AS l (namespace, name, owner, expires)
  VALUES (%(namespace)s, %(name)s, %(owner)s, epoch() + %(ttl)s::float8)
  ON CONFLICT (namespace, name) DO UPDATE SET owner = excluded.owner, expires = excluded.expires
  WHERE l.owner = excluded.owner OR l.expires <= epoch()
  RETURNING owner
)
SELECT owner FROM taken
UNION ALL
SELECT owner FROM locks WHERE namespace = %(namespace)s AND name = %(name)s AND NOT EXISTS (SELECT FROM taken)
