-- The operations on a stream of the availability: each does to Redis what the function of its name in
-- availability.py does to contents in memory (tests/contract/test_stock_rules.py holds them equal).
-- Run inside the script that checks and moves the stream's position; `change` is the script's table of operations.
-- None may fail on what Python gives: Redis does not undo what a script did before it failed.

local function update_first_deadline(prefix, stream)
  local first = redis.call('ZRANGE', prefix .. 'pool:' .. stream .. ':deadlines', 0, 0, 'WITHSCORES')
  if first[2] then
    redis.call('ZADD', prefix .. 'first_deadlines', first[2], stream)
  else
    redis.call('ZREM', prefix .. 'first_deadlines', stream)
  end
end

local function end_hold(pool, hold)
  local quantity = redis.call('HGET', pool .. ':quantities', hold)
  if quantity then
    redis.call('HINCRBY', pool, 'held', -quantity)
    local ticket_type = redis.call('HGET', pool .. ':types', hold)
    if ticket_type then
      redis.call('HINCRBY', pool, 'held:' .. ticket_type, -quantity)
      redis.call('HDEL', pool .. ':types', hold)
    end
    redis.call('HDEL', pool .. ':quantities', hold)
    redis.call('ZREM', pool .. ':deadlines', hold)
  end
end

function change.publish(prefix, stream, pools)
  redis.call('SET', prefix .. 'concert:' .. stream, pools)
  redis.call('DEL', prefix .. 'types:' .. stream, prefix .. 'present:' .. stream)
end

function change.add_pools(prefix, stream, pools)
  local before = redis.call('GET', prefix .. 'concert:' .. stream)
  change.publish(prefix, stream, before and before ~= '' and before .. ' ' .. pools or pools)
end

function change.withdraw(prefix, stream)
  redis.call('DEL', prefix .. 'concert:' .. stream, prefix .. 'types:' .. stream, prefix .. 'sales:' .. stream)
end

function change.say(prefix, stream, what, value)
  redis.call('HSET', prefix .. 'sales:' .. stream, what, value)
end

function change.unsay(prefix, stream, what)
  redis.call('HDEL', prefix .. 'sales:' .. stream, what)
end

function change.advance(prefix, stream, at)
  local pool = prefix .. 'pool:' .. stream
  local now = math.max(at, tonumber(redis.call('HGET', pool, 'at') or at))
  redis.call('HSET', pool, 'at', now)
  for _, hold in ipairs(redis.call('ZRANGEBYSCORE', pool .. ':deadlines', '-inf', now)) do
    end_hold(pool, hold)
  end
  update_first_deadline(prefix, stream)
end

function change.open(prefix, stream, ticket_type, name, capacity)
  redis.call('HSET', prefix .. 'pool:' .. stream, 'type', ticket_type, 'name', name, 'capacity', capacity)
end

function change.rename(prefix, stream, ticket_type, name)
  local pool = prefix .. 'pool:' .. stream
  local stock = redis.call('HGET', pool, 'type')
  local label = stock == ticket_type and 'name' or 'name:' .. ticket_type
  if stock and redis.call('HGET', pool, label) ~= name then
    redis.call('DEL', prefix .. 'sums:' .. stock)
  end
  redis.call('HSET', pool, label, name)
end

function change.offer(prefix, stream, ticket_type, name, quota)
  local pool = prefix .. 'pool:' .. stream
  local types = redis.call('HGET', pool, 'types') or ''
  if not string.find(types, ticket_type, 1, true) then
    redis.call('HSET', pool, 'types', types == '' and ticket_type or types .. ' ' .. ticket_type)
  end
  redis.call('HSET', pool, 'name:' .. ticket_type, name)
  if quota ~= '' then
    redis.call('HSET', pool, 'quota:' .. ticket_type, quota)
  end
end

function change.move_quota(prefix, stream, ticket_type, by)
  local pool = prefix .. 'pool:' .. stream
  if redis.call('HEXISTS', pool, 'quota:' .. ticket_type) == 1 then
    redis.call('HINCRBY', pool, 'quota:' .. ticket_type, by)
  end
end

function change.hold(prefix, stream, hold, quantity, deadline, ticket_type)
  local pool = prefix .. 'pool:' .. stream
  end_hold(pool, hold)
  if ticket_type ~= '' then
    redis.call('HINCRBY', pool, 'held:' .. ticket_type, quantity)
    redis.call('HSET', pool .. ':types', hold, ticket_type)
  end
  redis.call('HINCRBY', pool, 'held', quantity)
  redis.call('HSET', pool .. ':quantities', hold, quantity)
  redis.call('ZADD', pool .. ':deadlines', deadline, hold)
  update_first_deadline(prefix, stream)
end

function change.extend(prefix, stream, hold, deadline)
  redis.call('ZADD', prefix .. 'pool:' .. stream .. ':deadlines', 'XX', deadline, hold)
  update_first_deadline(prefix, stream)
end

function change.release(prefix, stream, hold)
  end_hold(prefix .. 'pool:' .. stream, hold)
  update_first_deadline(prefix, stream)
end

function change.sell(prefix, stream, hold, quantity, ticket_type)
  local pool = prefix .. 'pool:' .. stream
  end_hold(pool, hold)
  update_first_deadline(prefix, stream)
  redis.call('HINCRBY', pool, 'sold', quantity)
  if ticket_type ~= '' then
    redis.call('HINCRBY', pool, 'sold:' .. ticket_type, quantity)
  end
end

function change.take_back(prefix, stream, quantity, ticket_type)
  local pool = prefix .. 'pool:' .. stream
  redis.call('HINCRBY', pool, 'sold', -quantity)
  if redis.call('HEXISTS', pool, 'sold:' .. ticket_type) == 1 then
    redis.call('HINCRBY', pool, 'sold:' .. ticket_type, -quantity)
  end
end

function change.resize(prefix, stream, by)
  redis.call('HINCRBY', prefix .. 'pool:' .. stream, 'capacity', by)
end

function change.close(prefix, stream)
  redis.call('HSET', prefix .. 'pool:' .. stream, 'closed', 1)
end
