-- Extends a lock that its owner still has. Returns a row if so.
UPDATE locks SET expires = epoch() + %(ttl)s::float8
WHERE namespace = %(namespace)s AND name = %(name)s AND owner = %(owner)s AND expires > epoch()
RETURNING owner
