-- Extends leases. Returns id, place and owner of those that are still their owner's.
-- Each is looked up by its key, see settle.sql.
UPDATE jobs j SET expires = epoch() + greatest(%(lease)s::float8, g.hold), started = j.started OR g.started
FROM unnest(
  %(ids)s::text[], %(places)s::bigint[], %(owners)s::text[], %(started)s::bool[], %(holds)s::float8[]
) AS g (id, place, owner, started, hold)
WHERE j.namespace = %(namespace)s AND j.id = g.id AND j.place = g.place AND j.owner = g.owner
  AND j.state IS NOT DISTINCT FROM 'inflight' AND g.place = g.place + 0
RETURNING j.id, j.place, j.owner
