-- For wrk: sends each line of a file once, then leaves a mark, because wrk itself only knows how to
-- stop by the clock. Arguments: bodies, tokens (or "-"), mark, connections.
-- `MARK.began` is made with the first request and `MARK` when the last was answered; the caller
-- reads the time of the run from them and then interrupts wrk, which prints what went wrong.

local bodies, tokens, mark, connections
local current, began, idle = nil, false, 0

local function touch(path)
   local file = assert(io.open(path, "w"))
   file:close()
end

local function next_request()
   local body = bodies()
   if not body then return nil end
   local headers = {}
   for name, value in pairs(wrk.headers) do headers[name] = value end
   if tokens then headers["Authorization"] = tokens() end
   return wrk.format("POST", nil, headers, body)
end

function init(args)
   bodies = io.lines(args[1])
   tokens = args[2] ~= "-" and io.lines(args[2]) or nil
   mark, connections = args[3], tonumber(args[4])
   current = next_request()
end

-- wrk asks once before it connects, to see what a request looks like: that one is not sent.
local is_asked = false
function request()
   if not is_asked then
      is_asked = true
      return current
   end
   if not began then
      began = true
      touch(mark .. ".began")
   end
   local this = current
   if not this then
      idle = idle + 1 -- a connection asks again when its last request was answered
      if idle == connections then touch(mark) end
      return ""
   end
   current = next_request()
   return this
end

function done(summary)
   local e = summary.errors
   io.write(string.format("%d %d %d\n", summary.requests, e.status,
      e.connect + e.read + e.write + e.timeout))
end
