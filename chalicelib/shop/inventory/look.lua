-- Answers a look at the stock of a concert; it stands behind stock.lua and the Lua that sets `prefix`.
-- It is the body of a function; `now` and `concert` are set before it. Its answer is a row for each ticket type with a
-- stock of its own and for each area, of its id and then names and values, or nothing if a pool is missing.
-- `types:<concert>` names these stocks, `present:<concert>` how many of its first pools have been seen.

local KEPT_SECONDS, REST_SECONDS = 3600, 7200
local MOST_SETTLED = 1000
local PLACE = 37 -- an id and a space

local function flat(id, row)
  local values = {id}
  for name, value in pairs(row) do
    values[#values + 1], values[#values + 2] = name, tostring(value)
  end
  return values
end

-- Returns the rows from the sums, after the holds that have ended by now; nothing if a sum is not kept.
local function kept(types)
  local rows, left = {}, MOST_SETTLED
  for ticket_type in string.gmatch(types, '%S+') do
    local row = as_map(redis.call('HGETALL', prefix .. 'sums:' .. ticket_type))
    if not row.name then
      return nil
    end
    local due = redis.call('ZRANGEBYSCORE', prefix .. 'ends:' .. ticket_type, '-inf', now, 'LIMIT', 0, left)
    left = left - #due
    for _, stream in ipairs(due) do
      for name, change in pairs(recount(prefix, ticket_type, stream, now) or {}) do
        row[name] = (row[name] or 0) + change
      end
    end
    rows[#rows + 1] = flat(ticket_type, row)
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
  local names = {'sums:', 'counts:', 'ends:'}
  for place, name in ipairs(names) do
    names[place] = prefix .. name .. sum.id
  end
  if is_failure(redis.pcall('DEL', unpack(names))) then
    return false
  end
  local stock = flat(sum.id, sum.row)
  table.remove(stock, 1)
  return put('HSET', names[2], sum.counted)
    and put('ZADD', names[3], sum.due)
    and put('HSET', names[1], stock)
    and redis.call('EXPIRE', names[1], KEPT_SECONDS) == 1
end

-- Adds up all pools, and keeps the sums unless this Redis takes no writes.
local function derive(key)
  local sums, rows, types = {}, {}, {}
  for stream in string.gmatch(redis.call('GET', key), '%S+') do
    local ticket_type, labels, counts, deadline = stock_of_pool(prefix, stream, now)
    if not ticket_type then
      return false
    end
    local sum = sums[ticket_type]
    if not sum then
      sum = {id = ticket_type, row = labels, counted = {}, due = {}}
      sums[ticket_type], types[#types + 1] = sum, ticket_type
    end
    for name, count in pairs(counts) do
      sum.row[name] = (sum.row[name] or 0) + count
    end
    table.insert(sum.counted, stream)
    table.insert(sum.counted, packed(counts))
    if deadline then
      table.insert(sum.due, deadline)
      table.insert(sum.due, stream)
    end
  end
  for _, ticket_type in ipairs(types) do
    rows[#rows + 1] = flat(ticket_type, sums[ticket_type].row)
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
