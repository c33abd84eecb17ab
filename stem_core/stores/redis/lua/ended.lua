#!lua flags=no-writes
-- ARGV: since in ms, until in ms (exclusive), most records, then score and id of the last one shown, or '' and ''.
-- Returns score, id, record for each, those kept last first; the record is '' where it has run out.
local since, before, most = ARGV[1], '(' .. ARGV[2], tonumber(ARGV[3])
local last_score, last_id = tonumber(ARGV[4]), ARGV[5]
if last_score and last_score < tonumber(ARGV[2]) then before = last_score end
local found = {}
for class = 0, MOST_CLASS do
  local key = prefix .. 'ended:' .. class
  local shown = last_score and redis.call('ZCOUNT', key, last_score, last_score) or 0
  local scored = redis.call('ZREVRANGEBYSCORE', key, before, since, 'WITHSCORES', 'LIMIT', 0, most + shown)
  for at = 1, #scored, 2 do
    local id, score = scored[at], tonumber(scored[at + 1])
    if not last_score or score < last_score or id < last_id then found[#found + 1] = {score, id} end
  end
end
table.sort(found, function(one, other)
  if one[1] ~= other[1] then return one[1] > other[1] end
  return one[2] > other[2]
end)
local page = {}
for at = 1, math.min(most, #found) do
  local score, id = found[at][1], found[at][2]
  local record = redis.call('GET', prefix .. 't:' .. id)
  if not record or string.sub(record, 1, 1) ~= '{' then
    local kept = redis.call('GET', prefix .. 'r:' .. id)
    record = kept and string.match(kept, '^%d+ (.*)$') or ''
  end
  page[at] = {string.format('%.0f', score), id, record}
end
return page
