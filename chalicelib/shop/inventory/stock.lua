-- Keeps one value a ticket type: what all its pools hold together, so that a look at a concert reads no pool (ADR 40).
--
-- `stock:<type>` has the sums, `counted:<type>` what each pool gave to them, `due:<type>` the pools by the next deadline
-- of a hold that is still counted as held. All are derived from the pools, expire after an hour or two, and are derived
-- anew at the next look. While `stock:<type>` exists, whatever changes a pool takes out of the sums what the pool gave
-- before, and puts in what it gives now.

local COUNTS = {'capacity', 'available', 'held', 'sold'}

local function is_failure(reply)
  return type(reply) == 'table' and reply.err ~= nil
end

-- Returns a pool's type, name, counts, and its next deadline after `now`; nothing if the pool is not there.
local function stock_of_pool(prefix, stream, now)
  local pool = prefix .. 'pool:' .. stream
  local ticket_type, name, capacity, held, sold, closed, at =
    unpack(redis.call('HMGET', pool, 'type', 'name', 'capacity', 'held', 'sold', 'closed', 'at'))
  if not ticket_type then
    return nil
  end
  now = math.max(now, tonumber(at or now))
  capacity, held, sold = tonumber(capacity), tonumber(held or 0), tonumber(sold or 0)
  for _, hold in ipairs(redis.call('ZRANGEBYSCORE', pool .. ':deadlines', '-inf', now)) do
    held = held - redis.call('HGET', pool .. ':quantities', hold)
  end
  local available = closed and 0 or math.max(0, capacity - held - sold)
  local following = redis.call('ZRANGEBYSCORE', pool .. ':deadlines', '(' .. now, '+inf', 'WITHSCORES', 'LIMIT', 0, 1)
  return ticket_type, name, {capacity, available, held, sold}, following[2]
end

-- Counts a pool of a type anew, and returns by how much the sums change; nothing if there are no sums to keep.
-- A Redis that takes no writes keeps what it has, and the difference is right all the same.
local function recount(prefix, ticket_type, stream, now)
  local stock, counted = prefix .. 'stock:' .. ticket_type, prefix .. 'counted:' .. ticket_type
  local before = redis.call('EXISTS', stock) == 1 and redis.call('HGET', counted, stream)
  if not before then
    return nil
  end
  local _, _, counts, deadline = stock_of_pool(prefix, stream, now)
  local changes = {}
  for number in string.gmatch(before, '%S+') do
    changes[#changes + 1] = counts[#changes + 1] - number
  end
  if is_failure(redis.pcall('HSET', counted, stream, table.concat(counts, ' '))) then
    return changes
  end
  for place, count in ipairs(COUNTS) do
    if changes[place] ~= 0 then
      redis.call('HINCRBY', stock, count, changes[place])
    end
  end
  local due = prefix .. 'due:' .. ticket_type
  if deadline then
    redis.call('ZADD', due, deadline, stream)
  else
    redis.call('ZREM', due, stream)
  end
  return changes
end
