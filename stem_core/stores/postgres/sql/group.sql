-- Returns the size of a group, and with each of its results the member's number; one row without, if it has none.
SELECT c.total, m.member, m.body
FROM collections c LEFT JOIN members m ON m.collection = c.id
WHERE c.namespace = %(namespace)s AND c.name = %(name)s AND c.expires > epoch()
