#!lua
-- ARGV: for each dead letter: id, priority, meta, body. Returns how many there were.
local replayed = 0
for at = 1, #ARGV, 4 do
  local id = ARGV[at]
  if redis.call('ZSCORE', prefix .. 'dead', id) then
    add('s' .. ARGV[at + 1], id, ARGV[at + 2], ARGV[at + 3])
    redis.call('HDEL', prefix .. 'letters', id)
    redis.call('ZREM', prefix .. 'dead', id)
    leave_index(id)
    replayed = replayed + 1
  end
end
count('published', replayed)
if replayed > 0 then ring() end
return replayed
