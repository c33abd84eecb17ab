SELECT id, body FROM records WHERE namespace = %(namespace)s AND id = ANY (%(ids)s::text[]) AND expires > epoch()
