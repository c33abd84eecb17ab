#!lua flags=allow-oom
-- ARGV: lease in ms, most jobs. Jobs whose owner fell silent become ready again, before newer ones.
-- Returns how many were taken back, and how many had vanished from their stream.
local lease, most = tonumber(ARGV[1]), tonumber(ARGV[2])
local now = now_ms()
local names = streams()
local held_by = nil

-- How many jobs of this queue each owner holds: one alone is known to be what its owner died of.
local function holders()
  local counts = {}
  for _, name in ipairs(names) do
    local summary = redis.call('XPENDING', prefix .. name, 'g')
    for _, one in ipairs(summary[4] or {}) do counts[one[1]] = (counts[one[1]] or 0) + tonumber(one[2]) end
  end
  return counts
end

local reclaimed, lost = 0, 0
for _, name in ipairs(names) do
  local expired = redis.pcall('XPENDING', prefix .. name, 'g', 'IDLE', lease, '-', '+', most)
  if expired.err then
    ensure_group(name)
    expired = {}
  end
  for _, pending in ipairs(expired) do
    local entry, owner = pending[1], pending[2]
    local field = name .. ' ' .. entry
    local hold = tonumber(redis.call('HGET', prefix .. 'hold', field) or 0)
    if hold <= now then
      held_by = held_by or holders()
      local id, body, meta = read_entry(name, entry)
      if id then
        local attempt, deliveries, returns, crashes, crashed = parse_meta(meta)
        if held_by[owner] == 1 or redis.call('HEXISTS', prefix .. 'started', field) == 1 then
          crashes = crashes + 1
          crashed = crashed == '' and owner or crashed .. '|' .. owner
        end
        local new = string.format('%d %d %d %d %s', attempt, deliveries + 1, returns, crashes, crashed)
        add('b' .. string.sub(name, 2), id, new, body)
        reclaimed = reclaimed + 1
      else
        lost = lost + 1
      end
      drop(name, entry)
      redis.call('HDEL', prefix .. 'started', field)
      redis.call('HDEL', prefix .. 'hold', field)
    end
  end
end
count('lost', lost)
if reclaimed > 0 then ring() end
return {reclaimed, lost}
