INSERT INTO queues (namespace, name, pause, paused_until)
SELECT %(namespace)s, name, %(pause)s::text, %(until)s::float8 FROM unnest(%(queues)s::text[]) AS given (name) ORDER BY name
ON CONFLICT (namespace, name) DO UPDATE SET pause = excluded.pause, paused_until = excluded.paused_until
