-- A kilobyte from a random place of a megabyte.
request = function()
  local start = math.random(0, 1048576 - 1024)
  wrk.headers["Range"] = "bytes=" .. start .. "-" .. (start + 1023)
  return wrk.format("GET", wrk.path)
end
