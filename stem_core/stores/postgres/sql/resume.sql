UPDATE queues SET pause = NULL, paused_until = NULL
WHERE namespace = %(namespace)s AND name = ANY (%(queues)s::text[]) AND pause IS NOT NULL
