-- Keeps a member's result unless there is one. Returns how many are missing; nothing, if there is no such group.
WITH added AS (
  INSERT INTO members (collection, member, body)
  SELECT id, %(member)s, %(body)s FROM collections
  WHERE namespace = %(namespace)s AND name = %(name)s AND expires > epoch()
  ON CONFLICT DO NOTHING
  RETURNING member
)
UPDATE collections SET missing = missing - (SELECT count(*) FROM added)
WHERE namespace = %(namespace)s AND name = %(name)s AND expires > epoch()
RETURNING missing
