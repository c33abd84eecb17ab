#!lua flags=allow-oom
-- ARGV: for each job: id, revocation ("until-ms JSON"), record up to its envelope (or '' to keep waiting jobs).
-- Returns cancelled, pending or ended for each.
local now = now_ms()
local all = redis.call('HGETALL', prefix .. 'revoked')
local last = now
for at = 1, #all, 2 do
  local till = tonumber(string.match(all[at + 1], '^%d+'))
  if till <= now then redis.call('HDEL', prefix .. 'revoked', all[at]) end
  last = math.max(last, till)
end

local classes = {}
local function cancel(id, record, body)
  redis.call('SET', prefix .. 't:' .. id, record .. body .. '}', 'PX', 86400000)
  to_index(classes, id, 86400000)
  count('cancelled', 1)
  return 'cancelled'
end

local function revoke(id, revocation, record)
  local place = redis.call('GET', prefix .. 't:' .. id)
  if place and string.sub(place, 1, 1) == '{' then return 'ended' end
  if place and record ~= '' then
    local packed = redis.call('HGET', prefix .. 'waiting', id)
    if packed then
      local _, _, body = parse_waiting(packed)
      cancel(id, record, body)
      redis.call('ZREM', prefix .. 'due', id)
      redis.call('HDEL', prefix .. 'waiting', id)
      return 'cancelled'
    end
    local name, entry = string.match(place, '^(%a%d+) (%S+) %d+$')
    if name and #redis.call('XPENDING', prefix .. name, 'g', entry, entry, 1) == 0 then
      local found, body = read_entry(name, entry)
      if found then
        cancel(id, record, body)
        redis.call('XDEL', prefix .. name, entry)
        return 'cancelled'
      end
    end
  end
  redis.call('HSET', prefix .. 'revoked', id, revocation)
  last = math.max(last, tonumber(string.match(revocation, '^%d+')))
  return 'pending'
end

local answers = {}
for at = 1, #ARGV, 3 do answers[#answers + 1] = revoke(ARGV[at], ARGV[at + 1], ARGV[at + 2]) end
write_index(classes)
redis.call('PEXPIREAT', prefix .. 'revoked', string.format('%.0f', last))
return answers
