#!lua flags=allow-oom
-- ARGV: most jobs. Returns how many became ready, and the ms until the next one is due (-1: none waits).
local now = now_ms()
local due = redis.call('ZRANGEBYSCORE', prefix .. 'due', '-inf', now, 'LIMIT', 0, tonumber(ARGV[1]))
for _, id in ipairs(due) do
  local packed = redis.call('HGET', prefix .. 'waiting', id)
  if packed then
    local priority, meta, body = parse_waiting(packed)
    add('s' .. priority, id, meta, body)
    redis.call('HDEL', prefix .. 'waiting', id)
  end
  redis.call('ZREM', prefix .. 'due', id)
end
if #due > 0 then ring() end
local nearest = redis.call('ZRANGE', prefix .. 'due', 0, 0, 'WITHSCORES')
return {#due, nearest[2] and math.max(0, tonumber(nearest[2]) - now) or -1}
