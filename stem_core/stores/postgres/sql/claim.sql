SELECT * FROM claim(
  %(namespace)s::int, %(queues)s::text[], %(owner)s::text, %(lease)s::float8, %(most)s::int, %(turn)s::int
)
