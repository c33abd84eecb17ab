WITH told AS (SELECT pg_notify(%(channel)s, name) FROM unnest(%(names)s::text[]) AS given (name))
SELECT set_config('synchronous_commit', 'off', true) FROM told
