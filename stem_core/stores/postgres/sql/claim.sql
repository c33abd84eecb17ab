SELECT * FROM claim(
  %(namespace)s::int, %(queues)s::text[], %(heads)s::bigint[], %(owner)s::text, %(lease)s::float8, %(most)s::int,
  %(turn)s::int
)
