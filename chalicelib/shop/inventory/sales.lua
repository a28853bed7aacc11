-- Answers a look with the rows of the stock, and with what `sales:<concert>` says of the windows; it stands behind
-- look.lua, which is the function `look`.

local rows = look()
return rows and {rows, redis.call('HGETALL', prefix .. 'sales:' .. concert)}
