#!lua flags=allow-oom
-- ARGV: owners. Returns how many jobs of this queue each of them holds, and one more if it is remembered to have held more.
local counts = {}
for _, name in ipairs(streams()) do
  local summary = redis.pcall('XPENDING', prefix .. name, 'g')
  for _, one in ipairs(not summary.err and summary[4] or {}) do counts[one[1]] = (counts[one[1]] or 0) + tonumber(one[2]) end
end
local found = {}
for number, owner in ipairs(ARGV) do
  found[number] = (counts[owner] or 0) + redis.call('SISMEMBER', prefix .. 'shared', owner)
end
return found
