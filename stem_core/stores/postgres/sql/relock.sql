-- Extends a lock that its owner still has. Returns a row if so. Nobody waits for the disk: a crash that forgets it ends
-- the lock sooner, and leaves it to its owner to see that.
WITH extended AS (
  UPDATE locks SET expires = epoch() + %(ttl)s::float8
  WHERE namespace = %(namespace)s AND name = %(name)s AND owner = %(owner)s AND expires > epoch()
  RETURNING owner
)
SELECT owner, set_config('synchronous_commit', 'off', true) FROM extended
