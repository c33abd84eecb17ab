#!lua flags=allow-oom
-- Rings if a job is ready.
for _, name in ipairs(streams()) do
  local groups = redis.pcall('XINFO', 'GROUPS', prefix .. name)
  local pending = 0
  if not groups.err and groups[1] then
    for at = 1, #groups[1], 2 do
      if groups[1][at] == 'pending' then pending = groups[1][at + 1] end
    end
  end
  if redis.call('XLEN', prefix .. name) > pending then ring() end
end
return 1
