SELECT name FROM queues WHERE namespace = %(namespace)s ORDER BY name
