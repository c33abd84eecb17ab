SELECT key, version, body FROM documents WHERE namespace = %(namespace)s AND kind = %(kind)s ORDER BY key
