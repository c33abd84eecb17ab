DELETE FROM workers WHERE namespace = %(namespace)s AND name = %(worker)s
