INSERT INTO namespaces AS n (name, lease) VALUES (%(name)s, coalesce(%(lease)s::float8, %(default)s::float8))
ON CONFLICT (name) DO UPDATE SET lease = coalesce(%(lease)s::float8, n.lease)
