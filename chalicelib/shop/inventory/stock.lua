-- Keeps one value a stock: what all pools of a ticket type or an area hold together, so that a look at a concert reads no
-- pool (ADR 40).
--
-- `sums:<id>` has the sums, `counts:<id>` what each pool gave to them, `ends:<id>` the pools by the next deadline of a
-- hold that is still counted as held. All are derived from the pools, expire after an hour or two, and are derived anew
-- at the next look. While `sums:<id>` exists, whatever changes a pool takes out of the sums what the pool gave before,
-- and puts in what it gives now. The sums of an area also have those of its ticket types, as `held:<type>` and so on.
-- Whoever changes what is in them changes their names, so that none is read in the form of another release.

local function is_failure(reply)
  return type(reply) == 'table' and reply.err ~= nil
end

local function as_map(pairs_of_hash)
  local map = {}
  for place = 1, #pairs_of_hash, 2 do
    map[pairs_of_hash[place]] = pairs_of_hash[place + 1]
  end
  return map
end

-- Takes the holds that have ended by `now` out of the counts.
local function end_lapsed(pool, counts, now)
  for _, hold in ipairs(redis.call('ZRANGEBYSCORE', pool .. ':deadlines', '-inf', now)) do
    local quantity = redis.call('HGET', pool .. ':quantities', hold)
    counts.held = counts.held - quantity
    local of_type = counts.types and redis.call('HGET', pool .. ':types', hold)
    if of_type and counts['held:' .. of_type] then
      counts['held:' .. of_type] = counts['held:' .. of_type] - quantity
    end
  end
end

-- Returns a pool's stock, labels, counts, and its next deadline after `now`; nothing if the pool is not there.
local function stock_of_pool(prefix, stream, now)
  local key = prefix .. 'pool:' .. stream
  local pool = as_map(redis.call('HGETALL', key))
  if not pool.type then
    return nil
  end
  now = math.max(now, tonumber(pool.at or now))
  local labels = {name = pool.name, types = pool.types}
  local counts = {capacity = tonumber(pool.capacity), held = tonumber(pool.held or 0), sold = tonumber(pool.sold or 0)}
  for of_type in string.gmatch(pool.types or '', '%S+') do
    labels['name:' .. of_type] = pool['name:' .. of_type]
    for _, count in ipairs({'held:', 'sold:', 'quota:'}) do
      counts[count .. of_type] = tonumber(pool[count .. of_type] or (count ~= 'quota:' and 0 or nil))
    end
  end
  counts.types = pool.types
  end_lapsed(key, counts, now)
  counts.types = nil
  counts.available = pool.closed and 0 or math.max(0, counts.capacity - counts.held - counts.sold)
  local following = redis.call('ZRANGEBYSCORE', key .. ':deadlines', '(' .. now, '+inf', 'WITHSCORES', 'LIMIT', 0, 1)
  return pool.type, labels, counts, following[2]
end

local function packed(counts)
  local parts = {}
  for name, count in pairs(counts) do
    parts[#parts + 1] = name .. ' ' .. count
  end
  return table.concat(parts, ' ')
end

-- Counts a pool anew, and returns by how much the sums of its stock change; nothing if there are no sums to keep.
-- A Redis that takes no writes keeps what it has, and the difference is right all the same.
local function recount(prefix, stock_id, stream, now)
  local stock, counted = prefix .. 'sums:' .. stock_id, prefix .. 'counts:' .. stock_id
  local before = redis.call('EXISTS', stock) == 1 and redis.call('HGET', counted, stream)
  if not before then
    return nil
  end
  local _, _, changes, deadline = stock_of_pool(prefix, stream, now)
  local counts = packed(changes)
  for name, number in string.gmatch(before, '(%S+) (%S+)') do
    changes[name] = (changes[name] or 0) - number
  end
  if is_failure(redis.pcall('HSET', counted, stream, counts)) then
    return changes
  end
  for name, change in pairs(changes) do
    if change ~= 0 then
      redis.call('HINCRBY', stock, name, change)
    end
  end
  local due = prefix .. 'ends:' .. stock_id
  if deadline then
    redis.call('ZADD', due, deadline, stream)
  else
    redis.call('ZREM', due, stream)
  end
  return changes
end
