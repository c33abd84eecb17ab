#!lua
-- Refused as a whole when there is no memory: the flag allow-oom is left out on purpose.
-- ARGV: marker, then for each job: id, priority, delay in ms, earliest epoch ms, body.
if not redis.call('SET', prefix .. 'marker:' .. ARGV[1], '1', 'NX', 'PX', 300000) then return 0 end
local now = now_ms()
local added = 0
for at = 2, #ARGV, 5 do
  local id, priority, body = ARGV[at], ARGV[at + 1], ARGV[at + 4]
  local due = math.max(due_in(now, tonumber(ARGV[at + 2])), tonumber(ARGV[at + 3]))
  -- An id that is known already is not added again: enqueueing is idempotent by id too.
  if redis.call('EXISTS', prefix .. 't:' .. id) == 0 then
    if due > now then
      delay_until(due, id, priority, '0 0 0 0 ', body)
    else
      add('s' .. priority, id, '0 0 0 0 ', body)
    end
    added = added + 1
  end
end
count('published', added)
ring()
return added
