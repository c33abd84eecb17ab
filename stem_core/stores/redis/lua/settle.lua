#!lua flags=allow-oom
-- ARGV: stream, owner, most entries the owner may hold, number of jobs, then for each job, in the order of entries:
-- kind, entry, id, attempt, then what the kind needs. Outcomes are written before the entry is given up, so that an
-- error between the two would repeat a job, and never lose one; those that went well are given up whatever becomes of
-- the others, or a retry among them would be queued once more each time the batch is sent again. Returns 1 committed, 2
-- gone, 0 fenced.
local name, owner = ARGV[1], ARGV[2]
local key = prefix .. name
local jobs = {}
local at = 5
local more = {ok = 2, revoked = 2, dead = 3, retry = 4, requeue = 4}
for number = 1, tonumber(ARGV[4]) do
  jobs[number] = at
  at = at + 4 + more[ARGV[at]]
end
local mine = {}
local held = redis.pcall('XPENDING', key, 'g', ARGV[jobs[1] + 1], ARGV[jobs[#jobs] + 1], ARGV[3], owner)
if not held.err then
  for _, entry in ipairs(held) do mine[entry[1]] = true end
end
local now = now_ms()
local counts = {ok = 0, revoked = 0, dead = 0, retry = 0, requeue = 0}
local settled, done, ids, fields, classes = {}, {}, {}, {}, {}

local function keep(id, record, ttl)
  if record == '' then
    redis.call('DEL', prefix .. 't:' .. id)
  else
    redis.call('SET', prefix .. 't:' .. id, record, 'PX', ttl)
    to_index(classes, id, tonumber(ttl))
  end
end

local function carry_out(kind, id, first)
  if kind == 'ok' or kind == 'revoked' then
    keep(id, ARGV[first], ARGV[first + 1])
  elseif kind == 'dead' then
    redis.call('HSET', prefix .. 'letters', id, ARGV[first + 2])
    redis.call('ZADD', prefix .. 'dead', now, id)
    keep(id, ARGV[first], ARGV[first + 1])
  elseif tonumber(ARGV[first + 3]) > 0 then
    delay_until(due_in(now, tonumber(ARGV[first + 3])), id, ARGV[first], ARGV[first + 1], ARGV[first + 2])
  elseif kind == 'requeue' then
    add('b' .. ARGV[first], id, ARGV[first + 1], ARGV[first + 2])
  else
    add('s' .. ARGV[first], id, ARGV[first + 1], ARGV[first + 2])
  end
end

local refused
for number, first in ipairs(jobs) do
  local kind, entry, id = ARGV[first], ARGV[first + 1], ARGV[first + 2]
  local is_stored, failure = mine[entry] ~= nil, nil
  if is_stored then
    is_stored, failure = pcall(carry_out, kind, id, first + 4)
    if not is_stored then refused = type(failure) == 'table' and failure.err or tostring(failure) end
    mine[entry] = nil
  end
  if is_stored then
    counts[kind] = counts[kind] + 1
    done[#done + 1] = entry
    ids[#ids + 1] = id
    fields[#fields + 1] = name .. ' ' .. entry
    settled[number] = 1
  elseif not failure then
    local place = redis.call('GET', prefix .. 't:' .. id)
    local attempt = place and string.match(place, '^d (%d+)$') or place and string.match(place, '^%a%d+ %S+ (%d+)$')
    settled[number] = attempt and tonumber(attempt) <= tonumber(ARGV[first + 3]) and 0 or 2
  end
end
if #done > 0 then
  redis.call('XACK', key, 'g', unpack(done))
  redis.call('XDEL', key, unpack(done))
  redis.call('HDEL', prefix .. 'started', unpack(fields))
  redis.call('HDEL', prefix .. 'hold', unpack(fields))
  if counts.retry + counts.requeue < #done then redis.call('HDEL', prefix .. 'revoked', unpack(ids)) end
end
count('succeeded', counts.ok)
count('cancelled', counts.revoked)
count('failed', counts.dead)
count('retried', counts.retry)
if counts.retry + counts.requeue > 0 then ring() end
write_index(classes)
if refused then return redis.error_reply(refused) end
return settled
