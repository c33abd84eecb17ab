SELECT name, last FROM topics WHERE namespace = %(namespace)s AND name = ANY (%(topics)s::text[])
