-- What an owner holds by the server's account, in the form of a claim.
SELECT j.id, q.name, j.body, j.rank, j.attempt, j.deliveries, j.returns, j.crashes, j.crashed, j.place,
  (SELECT v.body FROM revocations v WHERE v.namespace = q.namespace AND v.id = j.id AND v.until > epoch())
FROM queues q
JOIN jobs j ON j.queue = q.id AND j.state = 'inflight'
WHERE q.namespace = %(namespace)s AND q.name = ANY (%(queues)s::text[]) AND j.owner = %(owner)s
ORDER BY j.rank, j.place
