#!lua flags=allow-oom
-- ARGV: owner, then for each job: stream, entry, started (0 or 1), hold in ms. Returns 1 where it is still the owner's.
local owner = ARGV[1]
local kept = {}
for at = 2, #ARGV, 4 do
  local name, entry = ARGV[at], ARGV[at + 1]
  local pending = redis.pcall('XPENDING', prefix .. name, 'g', entry, entry, 1, owner)
  if pending.err or #pending == 0 then
    kept[#kept + 1] = 0
  else
    redis.call('XCLAIM', prefix .. name, 'g', owner, 0, entry, 'JUSTID')
    local field = name .. ' ' .. entry
    if ARGV[at + 2] == '1' then redis.call('HSET', prefix .. 'started', field, owner) end
    if ARGV[at + 3] ~= '0' then redis.call('HSET', prefix .. 'hold', field, now_ms() + tonumber(ARGV[at + 3])) end
    kept[#kept + 1] = 1
  end
end
return kept
