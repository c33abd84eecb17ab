#!lua flags=allow-oom
-- KEYS: bucket (hash). ARGV: tokens a second, most tokens, seconds that the line is long at most. Returns the microseconds
-- after which to ask again, 0 if a token was taken. A bucket that has had the time to fill up, and whose line has gone, is
-- the same as none, and expires.
local rate, burst, line = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local time = redis.call('TIME')
local now = time[1] + time[2] / 1000000
local bucket = redis.call('HMGET', KEYS[1], 'tokens', 'since', 'turn')
local tokens = burst
if bucket[1] then tokens = math.min(burst, tonumber(bucket[1]) + math.max(0, now - tonumber(bucket[2])) * rate) end
local turn = math.max(now, tonumber(bucket[3] or 0))
local wait = 0
if tokens >= 1 then
  tokens = tokens - 1
else
  local missing = (1 - tokens) / rate
  turn = math.min(math.max(now + missing, turn + 1 / rate), now + math.max(missing, line))
  wait = math.ceil((turn - now) * 1000000)
end
redis.call('HSET', KEYS[1], 'tokens', string.format('%.9f', tokens), 'since', string.format('%.6f', now),
  'turn', string.format('%.6f', turn))
redis.call('PEXPIRE', KEYS[1], math.ceil((turn - now + burst / rate) * 1000) + 1000)
return wait
