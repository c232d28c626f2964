-- A megabyte for each request, always to the same name.
wrk.method = "PUT"
wrk.body = string.rep("0123456789abcdef", 65536)
