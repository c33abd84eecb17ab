#!lua flags=allow-oom
-- ARGV: owner, limit, turn. Returns for each job: stream, entry, id, body, meta, revocation or ''.
if redis.call('EXISTS', prefix .. 'pause') == 1 then return {} end
local owner, limit, turn = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3])
local asked = limit
local jobs = {}

local function take(name, most)
  if most < 1 then return end
  local reply = redis.pcall('XREADGROUP', 'GROUP', 'g', owner, 'COUNT', most, 'STREAMS', prefix .. name, '>')
  if reply and reply.err then
    ensure_group(name)
    reply = redis.call('XREADGROUP', 'GROUP', 'g', owner, 'COUNT', most, 'STREAMS', prefix .. name, '>')
  end
  if not reply then return end
  for _, entry in ipairs(reply[1][2]) do
    jobs[#jobs + 1] = {name, entry[1], entry[2][2], entry[2][4], entry[2][6], ''}
    limit = limit - 1
  end
end

local names = streams()
local priorities = {}
for _, name in ipairs(names) do
  local priority = string.sub(name, 2)
  if priorities[#priorities] ~= priority then priorities[#priorities + 1] = priority end
end
-- An eighth of what is handed out goes to a lower priority first, in turns, so that none starves.
if #priorities > 1 then
  local share = math.floor(limit / 8)
  if share == 0 and turn % 8 == 0 then share = 1 end
  local lower = priorities[2 + math.floor(turn / 8) % (#priorities - 1)]
  local before = limit
  take('b' .. lower, share)
  take('s' .. lower, share - (before - limit))
end
for _, name in ipairs(names) do take(name, limit) end

if #jobs > 0 and redis.call('EXISTS', prefix .. 'revoked') == 1 then
  for _, job in ipairs(jobs) do job[6] = revocation(job[3]) end
end
if #jobs == asked then ring() end
return jobs
