#!lua flags=allow-oom
-- ARGV: ids of dead letters. Returns how many there were.
local purged = 0
for _, id in ipairs(ARGV) do
  redis.call('HDEL', prefix .. 'letters', id)
  purged = purged + redis.call('ZREM', prefix .. 'dead', id)
end
return purged
