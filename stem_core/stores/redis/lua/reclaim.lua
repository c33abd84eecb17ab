#!lua flags=allow-oom
-- ARGV: lease in ms, most jobs, then owners. What these hold and did not renew becomes ready again, before newer jobs.
-- A crash counts against it unless it is marked as shared: `started` has the owner if it had begun, '' if it is shared.
-- Returns how many were taken back, and how many had vanished from their stream.
local lease, most = tonumber(ARGV[1]), tonumber(ARGV[2])
local examined = {}
for at = 3, #ARGV do examined[ARGV[at]] = true end
local reclaimed, lost = 0, 0
for _, name in ipairs(streams()) do
  for _, job in ipairs(unrenewed(name, lease, most)) do
    if examined[job.owner] then
      local field = name .. ' ' .. job.entry
      local id, body, meta = read_entry(name, job.entry)
      if id then
        local attempt, deliveries, returns, crashes, crashed = parse_meta(meta)
        if redis.call('HGET', prefix .. 'started', field) ~= '' then
          crashes = crashes + 1
          crashed = crashed == '' and job.owner or crashed .. '|' .. job.owner
        end
        local new = string.format('%d %d %d %d %s', attempt, deliveries + 1, returns, crashes, crashed)
        add('b' .. string.sub(name, 2), id, new, body)
        reclaimed = reclaimed + 1
      else
        lost = lost + 1
      end
      drop(name, job.entry)
      redis.call('HDEL', prefix .. 'started', field)
      redis.call('HDEL', prefix .. 'hold', field)
    end
  end
end
count('lost', lost)
if reclaimed > 0 then ring() end
return {reclaimed, lost}
