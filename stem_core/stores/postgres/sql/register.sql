-- Makes queues known, and which of their priorities are used.
INSERT INTO queues AS q (namespace, name, levels)
SELECT %(namespace)s, name, bit_or(1 << level)
FROM unnest(%(queues)s::text[], %(levels)s::int[]) AS given (name, level)
GROUP BY name ORDER BY name
ON CONFLICT (namespace, name) DO UPDATE SET levels = q.levels | excluded.levels
WHERE q.levels | excluded.levels <> q.levels
