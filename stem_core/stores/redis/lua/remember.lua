#!lua flags=allow-oom
-- ARGV: owners that held more than is left of it, ms to remember that. A server that is away now cannot be told, and will
-- ask the others once it is back.
local owners = prefix .. 'shared'
for at = 1, #ARGV - 1 do redis.call('SADD', owners, ARGV[at]) end
redis.call('PEXPIRE', owners, ARGV[#ARGV])
return 1
