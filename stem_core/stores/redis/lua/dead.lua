#!lua flags=no-writes
-- ARGV: most letters, then score and id of the last one shown, or '' and ''. Returns score, id, letter, newest first.
local most, last_score, last_id = tonumber(ARGV[1]), tonumber(ARGV[2]), ARGV[3]
local key = prefix .. 'dead'
local shown = last_score and redis.call('ZCOUNT', key, last_score, last_score) or 0
local newest = last_score or '+inf'
local scored = redis.call('ZREVRANGEBYSCORE', key, newest, '-inf', 'WITHSCORES', 'LIMIT', 0, most + shown)
local page = {}
for at = 1, #scored, 2 do
  local id, score = scored[at], tonumber(scored[at + 1])
  if #page < most and (not last_score or score < last_score or id < last_id) then
    page[#page + 1] = {scored[at + 1], id, redis.call('HGET', prefix .. 'letters', id) or ''}
  end
end
return page
