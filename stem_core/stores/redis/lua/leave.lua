#!lua flags=allow-oom
-- ARGV: owners. Deletes those that hold nothing: deleting one that does would drop its jobs. With '*': all that hold
-- nothing and were not seen for an hour.
local function leave(name, consumer, least_idle)
  local info = {}
  for at = 1, #consumer, 2 do info[consumer[at]] = consumer[at + 1] end
  if info['pending'] == 0 and info['idle'] >= least_idle then
    redis.call('XGROUP', 'DELCONSUMER', prefix .. name, 'g', info['name'])
  end
end

local leaving = {}
for _, owner in ipairs(ARGV) do leaving[owner] = true end
for _, name in ipairs(streams()) do
  local consumers = redis.pcall('XINFO', 'CONSUMERS', prefix .. name, 'g')
  if not consumers.err then
    for _, consumer in ipairs(consumers) do
      if leaving[consumer[2]] then leave(name, consumer, 0) end
      if leaving['*'] then leave(name, consumer, 3600000) end
    end
  end
end
return 1
