#!lua flags=allow-oom
-- ARGV: owners. What they hold and have not been known to begin is not what they died of, even if it is left as the last.
for _, name in ipairs(streams()) do
  for _, owner in ipairs(ARGV) do
    local held = redis.pcall('XPENDING', prefix .. name, 'g', '-', '+', 100000, owner)
    for _, one in ipairs(not held.err and held or {}) do redis.call('HSETNX', prefix .. 'started', name .. ' ' .. one[1], '') end
  end
end
return 1
