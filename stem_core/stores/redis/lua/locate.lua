#!lua flags=no-writes
-- ARGV: ids. Returns for each: where, body, meta, owner, due in epoch ms; or nothing.
local found = {}
for number, id in ipairs(ARGV) do
  found[number] = {}
  local place = redis.call('GET', prefix .. 't:' .. id)
  local packed = place and redis.call('HGET', prefix .. 'waiting', id)
  if packed then
    local _, meta, body = parse_waiting(packed)
    found[number] = {'delayed', body, meta, '', redis.call('ZSCORE', prefix .. 'due', id) or '0'}
  elseif place and string.sub(place, 1, 1) ~= '{' then
    local name, entry = string.match(place, '^(%a%d+) (%S+) %d+$')
    if name then
      local known, body, meta = read_entry(name, entry)
      local pending = redis.pcall('XPENDING', prefix .. name, 'g', entry, entry, 1)
      local owner = not pending.err and pending[1] and pending[1][2] or ''
      if known then found[number] = {owner == '' and 'ready' or 'inflight', body, meta, owner, '0'} end
    end
  end
end
return found
