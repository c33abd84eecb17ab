#!lua flags=no-writes,allow-stale
-- Returns ready, in flight, delayed, dead, ms since the oldest ready job became so (-1: none), pause or '', counters.
local now = now_ms()
local length, inflight, oldest = 0, 0, now + 1
for _, name in ipairs(streams()) do
  local key = prefix .. name
  length = length + redis.call('XLEN', key)
  local delivered = '0-0'
  local groups = redis.pcall('XINFO', 'GROUPS', key)
  if not groups.err and groups[1] then
    local info = {}
    for at = 1, #groups[1], 2 do info[groups[1][at]] = groups[1][at + 1] end
    inflight = inflight + info['pending']
    delivered = info['last-delivered-id']
  end
  local first = redis.call('XRANGE', key, '(' .. delivered, '+', 'COUNT', 1)[1]
  if first then oldest = math.min(oldest, tonumber(string.match(first[1], '^%d+'))) end
end
return {
  math.max(0, length - inflight), inflight, redis.call('ZCARD', prefix .. 'due'), redis.call('ZCARD', prefix .. 'dead'),
  oldest <= now and now - oldest or -1, redis.call('GET', prefix .. 'pause') or '', redis.call('HGETALL', prefix .. 'counters'),
}
