-- Frees a lock of this owner. Returns a row if it had it.
WITH freed AS (
  DELETE FROM locks WHERE namespace = %(namespace)s AND name = %(name)s AND owner = %(owner)s RETURNING owner, expires
)
SELECT owner FROM freed WHERE expires > epoch()
