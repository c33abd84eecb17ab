#!lua flags=allow-oom
-- KEYS: group (hash). ARGV: member, body. The first result of each member stands. Returns how many are missing, -1 if
-- there is no such group.
local total = redis.call('HGET', KEYS[1], 'total')
if not total then return -1 end
redis.call('HSETNX', KEYS[1], 'm' .. ARGV[1], ARGV[2])
return tonumber(total) - redis.call('HLEN', KEYS[1]) + 1
