#!lua flags=no-writes
-- ARGV: most jobs. Returns id, where, body, meta, owner, due in epoch ms, next to run first.
local most = tonumber(ARGV[1])
local found = {}
for _, name in ipairs(streams()) do
  local key = prefix .. name
  local delivered = '0-0'
  local groups = redis.pcall('XINFO', 'GROUPS', key)
  if not groups.err and groups[1] then
    for at = 1, #groups[1], 2 do
      if groups[1][at] == 'last-delivered-id' then delivered = groups[1][at + 1] end
    end
  end
  if #found < most then
    for _, entry in ipairs(redis.call('XRANGE', key, '(' .. delivered, '+', 'COUNT', most - #found)) do
      found[#found + 1] = {entry[2][2], 'ready', entry[2][4], entry[2][6], '', '0'}
    end
  end
end
if #found < most then
  local due = redis.call('ZRANGE', prefix .. 'due', 0, most - #found - 1, 'WITHSCORES')
  for at = 1, #due, 2 do
    local packed = redis.call('HGET', prefix .. 'waiting', due[at])
    if packed then
      local _, meta, body = parse_waiting(packed)
      found[#found + 1] = {due[at], 'delayed', body, meta, '', due[at + 1]}
    end
  end
end
return found
