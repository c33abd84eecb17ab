#!lua flags=allow-oom
-- ARGV: owner. Returns what the owner holds by the server's account, in the form of fetch.
local jobs = {}
for _, name in ipairs(streams()) do
  local reply = redis.pcall('XREADGROUP', 'GROUP', 'g', ARGV[1], 'COUNT', 10000, 'STREAMS', prefix .. name, '0')
  if reply and not reply.err then
    for _, entry in ipairs(reply[1][2]) do
      if entry[2] and entry[2][6] then
        jobs[#jobs + 1] = {name, entry[1], entry[2][2], entry[2][4], entry[2][6], revocation(entry[2][2])}
      end
    end
  end
end
return jobs
