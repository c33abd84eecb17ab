#!lua flags=allow-oom
-- KEYS: lock. ARGV: owner, ttl in ms, kind: take, extend or free. Returns who has it after that, '' for nobody.
local owner = redis.call('GET', KEYS[1])
local kind = ARGV[3]
if kind == 'take' and (not owner or owner == ARGV[1]) or kind == 'extend' and owner == ARGV[1] then
  redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
  return ARGV[1]
end
if kind == 'free' and owner == ARGV[1] then redis.call('DEL', KEYS[1]) end
return owner or ''
