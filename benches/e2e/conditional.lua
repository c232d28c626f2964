-- The file that the client has already: asked for once, then with its ETag.
local etag
request = function()
  if etag then wrk.headers["If-None-Match"] = etag end
  return wrk.format("GET", wrk.path)
end
response = function(status, headers)
  if not etag then etag = headers["ETag"] end
end
