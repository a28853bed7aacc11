-- Answers a look at the stock of a concert; it stands behind stock.lua and the Lua that sets `prefix`.
-- It is the body of a function; `now` and `concert` are set before it. Its answer is a row for each ticket type, or
-- nothing if a pool is missing. `types:<concert>` names the types, `present:<concert>` how many of its first pools have been seen.

local KEPT_SECONDS, REST_SECONDS = 3600, 7200
local MOST_SETTLED = 1000
local PLACE = 37 -- an id and a space

-- Returns the rows from the sums, after the holds that have ended by now; nothing if a sum is not kept.
local function kept(types)
  local rows, left = {}, MOST_SETTLED
  for ticket_type in string.gmatch(types, '%S+') do
    local row = redis.call('HMGET', prefix .. 'stock:' .. ticket_type, 'name', unpack(COUNTS))
    if not row[1] then
      return nil
    end
    local due = redis.call('ZRANGEBYSCORE', prefix .. 'due:' .. ticket_type, '-inf', now, 'LIMIT', 0, left)
    left = left - #due
    for _, stream in ipairs(due) do
      for place, change in ipairs(recount(prefix, ticket_type, stream, now) or {}) do
        row[place + 1] = row[place + 1] + change
      end
    end
    table.insert(row, 1, ticket_type)
    rows[#rows + 1] = row
  end
  return rows
end

-- Tells whether all pools are there. It goes on where the last look stopped, so that many looks cost no more than one.
local function is_complete(key)
  local length, progress = redis.call('STRLEN', key), prefix .. 'present:' .. concert
  local present = tonumber(redis.call('GET', progress) or 0)
  while present * PLACE < length do
    local stream = redis.call('GETRANGE', key, present * PLACE, (present + 1) * PLACE - 2)
    if redis.call('HEXISTS', prefix .. 'pool:' .. stream, 'type') == 0 then
      redis.pcall('SET', progress, present, 'EX', KEPT_SECONDS)
      return false
    end
    present = present + 1
  end
  redis.pcall('DEL', progress)
  return true
end

local function put(command, key, values)
  for first = 1, #values, 1000 do
    local reply = redis.pcall(command, key, unpack(values, first, math.min(first + 999, #values)))
    if is_failure(reply) then
      return false
    end
  end
  return #values == 0 or redis.call('EXPIRE', key, REST_SECONDS) == 1
end

-- Keeps the sums of one type from now on; the sums come last, because nothing is kept without them.
local function keep(sum)
  local names = {'stock:', 'counted:', 'due:'}
  for place, name in ipairs(names) do
    names[place] = prefix .. name .. sum.row[1]
  end
  if is_failure(redis.pcall('DEL', unpack(names))) then
    return false
  end
  local stock = {'name', sum.row[2]}
  for place, count in ipairs(COUNTS) do
    stock[#stock + 1], stock[#stock + 2] = count, sum.row[place + 2]
  end
  return put('HSET', names[2], sum.counted)
    and put('ZADD', names[3], sum.due)
    and put('HSET', names[1], stock)
    and redis.call('EXPIRE', names[1], KEPT_SECONDS) == 1
end

-- Adds up all pools, and keeps the sums unless this Redis takes no writes.
local function derive(key)
  local sums, rows, types = {}, {}, {}
  for stream in string.gmatch(redis.call('GET', key), '%S+') do
    local ticket_type, name, counts, deadline = stock_of_pool(prefix, stream, now)
    if not ticket_type then
      return false
    end
    local sum = sums[ticket_type]
    if not sum then
      sum = {row = {ticket_type, name, 0, 0, 0, 0}, counted = {}, due = {}}
      sums[ticket_type], types[#types + 1], rows[#rows + 1] = sum, ticket_type, sum.row
    end
    for place, count in ipairs(counts) do
      sum.row[place + 2] = sum.row[place + 2] + count
    end
    table.insert(sum.counted, stream)
    table.insert(sum.counted, table.concat(counts, ' '))
    if deadline then
      table.insert(sum.due, deadline)
      table.insert(sum.due, stream)
    end
  end
  for _, ticket_type in ipairs(types) do
    if not keep(sums[ticket_type]) then
      return rows
    end
  end
  redis.pcall('SET', prefix .. 'types:' .. concert, table.concat(types, ' '), 'EX', REST_SECONDS)
  return rows
end

local types = redis.call('GET', prefix .. 'types:' .. concert)
local rows = types and kept(types)
if rows then
  return rows
end
local key = prefix .. 'concert:' .. concert
if redis.call('EXISTS', key) == 0 or not is_complete(key) then
  return false
end
return derive(key)
