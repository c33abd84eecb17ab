SELECT j.id, q.name, j.state::text, j.body, j.attempt, j.deliveries, j.owner, j.due
FROM jobs j JOIN queues q ON q.id = j.queue
WHERE j.namespace = %(namespace)s AND j.id = ANY (%(ids)s::text[])
