#!lua flags=allow-oom
-- KEYS: one record each. ARGV: for each: record, ttl in ms, deliveries. The first of the highest delivery count stands.
local kept = {}
for number, key in ipairs(KEYS) do
  local at = number * 3 - 2
  local present = redis.call('GET', key)
  local before = present and tonumber(string.match(present, '^(%d+) ')) or -1
  if before >= tonumber(ARGV[at + 2]) then
    kept[number] = 0
  else
    redis.call('SET', key, ARGV[at + 2] .. ' ' .. ARGV[at], 'PX', ARGV[at + 1])
    kept[number] = 1
  end
end
return kept
