SELECT id, attempt FROM jobs WHERE namespace = %(namespace)s AND id = ANY (%(ids)s::text[])
