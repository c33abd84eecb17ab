#!lua flags=allow-oom
-- ARGV: lease in ms, most jobs. Returns the owners of jobs that may be taken back.
local owners, known = {}, {}
for _, name in ipairs(streams()) do
  for _, job in ipairs(unrenewed(name, tonumber(ARGV[1]), tonumber(ARGV[2]))) do
    if not known[job.owner] then owners[#owners + 1] = job.owner end
    known[job.owner] = true
  end
end
return owners
