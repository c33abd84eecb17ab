-- Deletes a document if it has the version that is expected: NULL for any, 0 for none. Returns whether that is so.
WITH gone AS (
  DELETE FROM documents
  WHERE namespace = %(namespace)s AND kind = %(kind)s AND key = %(key)s
    AND (%(version)s::bigint IS NULL OR version = %(version)s::bigint)
  RETURNING key
)
SELECT EXISTS (SELECT FROM gone) OR (
  coalesce(%(version)s::bigint, 0) = 0
  AND NOT EXISTS (SELECT FROM documents WHERE namespace = %(namespace)s AND kind = %(kind)s AND key = %(key)s)
)
