#!lua flags=allow-oom
-- KEYS: snapshots (hash), last seen (zset), expiry (zset). Returns name, age in ms, snapshot for each.
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
for _, gone in ipairs(redis.call('ZRANGEBYSCORE', KEYS[3], '-inf', now)) do
  redis.call('HDEL', KEYS[1], gone)
  redis.call('ZREM', KEYS[2], gone)
  redis.call('ZREM', KEYS[3], gone)
end
local found = {}
local seen = redis.call('ZRANGE', KEYS[2], 0, -1, 'WITHSCORES')
for at = 1, #seen, 2 do
  found[#found + 1] = {seen[at], now - tonumber(seen[at + 1]), redis.call('HGET', KEYS[1], seen[at]) or ''}
end
return found
