SELECT name, greatest(0, epoch() - seen), body FROM workers
WHERE namespace = %(namespace)s AND expires > epoch() ORDER BY seen
