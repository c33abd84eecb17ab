-- Shared by all scripts of a queue. KEYS[1] is the queue's prefix: every key begins with it, so all lie in one slot.
local prefix = KEYS[1]

-- One instant throughout a script: asked for per job, it would be half of all that the server does.
local instant
local function now_ms()
  if not instant then
    local time = redis.call('TIME')
    instant = time[1] * 1000 + math.floor(time[2] / 1000)
  end
  return instant
end

-- When a delay that begins now is over. The clock is cut to milliseconds: one more, so that no job is early.
local function due_in(now, delay)
  return delay > 0 and now + delay + 1 or now
end

-- Used streams in the order of reading: higher priority first, and what came back (b) before what never left (s).
local function streams()
  local names = redis.call('SMEMBERS', prefix .. 'levels')
  table.sort(names, function(one, other)
    local first, second = tonumber(string.sub(one, 2)), tonumber(string.sub(other, 2))
    if first ~= second then return first > second end
    return one < other
  end)
  return names
end

local function ensure_group(name)
  redis.pcall('XGROUP', 'CREATE', prefix .. name, 'g', '0', 'MKSTREAM')
end

-- meta: "attempt deliveries returns crashes crashed", as it stands before the next delivery.
local function parse_meta(meta)
  local attempt, deliveries, returns, crashes, crashed = string.match(meta, '^(%d+) (%d+) (%d+) (%d+) (.*)$')
  return tonumber(attempt), tonumber(deliveries), tonumber(returns), tonumber(crashes), crashed
end

local is_used = {}

local function add(name, id, meta, body)
  if not is_used[name] and redis.call('SADD', prefix .. 'levels', name) == 1 then ensure_group(name) end
  is_used[name] = true
  local entry = redis.call('XADD', prefix .. name, '*', 'i', id, 'b', body, 'm', meta)
  redis.call('SET', prefix .. 't:' .. id, name .. ' ' .. entry .. ' ' .. string.match(meta, '^%d+'))
end

local function delay_until(due, id, priority, meta, body)
  redis.call('HSET', prefix .. 'waiting', id, priority .. ' ' .. meta .. '\n' .. body)
  redis.call('ZADD', prefix .. 'due', due, id)
  redis.call('SET', prefix .. 't:' .. id, 'd ' .. string.match(meta, '^%d+'))
end

local function parse_waiting(packed)
  local split = string.find(packed, '\n', 1, true)
  local priority, meta = string.match(string.sub(packed, 1, split - 1), '^(%d+) (.*)$')
  return priority, meta, string.sub(packed, split + 1)
end

-- An entry's fields are always i, b, m, in that order.
local function read_entry(name, entry)
  local found = redis.call('XRANGE', prefix .. name, entry, entry)[1]
  if not found then return nil end
  return found[2][2], found[2][4], found[2][6]
end

local function drop(name, entry)
  redis.call('XACK', prefix .. name, 'g', entry)
  redis.call('XDEL', prefix .. name, entry)
end

-- Returns entry and owner of jobs that were not renewed for a lease and are not on hold either, at most so many.
local function unrenewed(name, lease, most)
  local found, from, now = {}, '-', now_ms()
  repeat
    local page = redis.pcall('XPENDING', prefix .. name, 'g', 'IDLE', lease, from, '+', most)
    if page.err then
      ensure_group(name)
      return found
    end
    for _, pending in ipairs(page) do
      from = '(' .. pending[1]
      local hold = redis.call('HGET', prefix .. 'hold', name .. ' ' .. pending[1])
      if #found < most and tonumber(hold or 0) <= now then found[#found + 1] = {entry = pending[1], owner = pending[2]} end
    end
  until #page < most or #found == most
  return found
end

local function count(field, by)
  if by > 0 then redis.call('HINCRBY', prefix .. 'counters', field, by) end
end

-- Wakes one waiting fetch; that one rings again if it leaves work behind.
local function ring()
  if redis.call('LLEN', prefix .. 'bell') == 0 then redis.call('LPUSH', prefix .. 'bell', '1') end
end

-- Returns the standing revocation of a job ("until-ms JSON"), or ''.
local function revocation(id)
  local packed = redis.call('HGET', prefix .. 'revoked', id)
  if not packed then return '' end
  if tonumber(string.match(packed, '^%d+')) > now_ms() then return packed end
  redis.call('HDEL', prefix .. 'revoked', id)
  return ''
end

-- Ended tasks are indexed by when their records were kept, in one sorted set for each class of lifetimes (up to 2^class
-- seconds), so that what has run out is cut off by its score alone, at next to no cost.
local MOST_CLASS = 34

local class_of = {}

local function to_index(classes, id, ttl)
  local class = class_of[ttl] or 0
  while class < MOST_CLASS and 2 ^ class * 1000 < ttl do class = class + 1 end
  class_of[ttl] = class
  local words = classes[class] or {}
  classes[class] = words
  words[#words + 1] = now_ms()
  words[#words + 1] = id
end

local function write_index(classes)
  for class, words in pairs(classes) do
    local key, life = prefix .. 'ended:' .. class, 2 ^ class * 1000
    redis.call('ZADD', key, unpack(words))
    redis.call('ZREMRANGEBYSCORE', key, '-inf', string.format('%.0f', now_ms() - life))
    redis.call('PEXPIRE', key, string.format('%.0f', life))
  end
end

local function leave_index(id)
  for class = 0, MOST_CLASS do redis.call('ZREM', prefix .. 'ended:' .. class, id) end
end
