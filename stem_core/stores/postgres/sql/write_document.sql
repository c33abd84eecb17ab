-- Writes a document if it has the version that is expected: NULL for any, 0 for none. Returns the new version if so.
INSERT INTO documents AS d (namespace, kind, key, version, body)
SELECT %(namespace)s, %(kind)s, %(key)s, 1, %(body)s
WHERE coalesce(%(version)s::bigint, 0) = 0
  OR EXISTS (SELECT FROM documents WHERE namespace = %(namespace)s AND kind = %(kind)s AND key = %(key)s)
ON CONFLICT (namespace, kind, key) DO UPDATE SET version = d.version + 1, body = excluded.body
WHERE %(version)s::bigint IS NULL OR d.version = %(version)s::bigint
RETURNING version
