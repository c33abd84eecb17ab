#!lua
-- KEYS: documents of a kind (hash of "version body"). ARGV: key, expected version ('' for any), then the body if it is
-- not to be deleted. Returns the new version, 0 for none, or -1 if the version was another one.
local present = redis.call('HGET', KEYS[1], ARGV[1])
local current = present and tonumber(string.match(present, '^%d+')) or 0
if ARGV[2] ~= '' and tonumber(ARGV[2]) ~= current then return -1 end
if not ARGV[3] then
  redis.call('HDEL', KEYS[1], ARGV[1])
  return 0
end
redis.call('HSET', KEYS[1], ARGV[1], current + 1 .. ' ' .. ARGV[3])
return current + 1
