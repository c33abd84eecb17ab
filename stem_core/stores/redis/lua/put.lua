#!lua flags=allow-oom
-- ARGV: for each: id, record, ttl in ms, deliveries. The first of the highest delivery count stands. Returns 1 where kept.
local kept, classes = {}, {}
for at = 1, #ARGV, 4 do
  local key = prefix .. 'r:' .. ARGV[at]
  local present = redis.call('GET', key)
  local before = present and tonumber(string.match(present, '^(%d+) ')) or -1
  if before >= tonumber(ARGV[at + 3]) then
    kept[#kept + 1] = 0
  else
    redis.call('SET', key, ARGV[at + 3] .. ' ' .. ARGV[at + 1], 'PX', ARGV[at + 2])
    to_index(classes, ARGV[at], tonumber(ARGV[at + 2]))
    kept[#kept + 1] = 1
  end
end
write_index(classes)
return kept
