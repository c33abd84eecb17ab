SELECT body FROM revocations WHERE namespace = %(namespace)s AND id = ANY (%(ids)s::text[]) AND until > epoch()
