"""Holds the Lua scripts of a read model in Redis.

Each runs alone, so what it checks at its beginning stays true to its end. But Redis undoes nothing of one that fails:
so each checks first, then changes the data, and moves the position last.
"""

APPLY = """
local positions = KEYS[1]
local prefix, stream, expected, position, batch = unpack(ARGV)
if (redis.call('HGET', positions, stream) or '-1') ~= expected then
  return 0
end
for _, operation in ipairs(cjson.decode(batch)) do
  change[operation[1]](prefix, stream, unpack(operation, 2))
end
derived.refresh(prefix, stream)
redis.call('HSET', positions, stream, position)
return 1
"""
"""Lua that applies operations and moves the position of the stream, if it is the expected one. The functions of a
read model, `change` and `derived`, stand before it."""

REWRITE = """
local positions = KEYS[1]
local prefix, stream, expected, position, parts = unpack(ARGV)
if (redis.call('HGET', positions, stream) or '-1') ~= expected then
  return 0
end
derived.forget(prefix, stream)
for _, part in ipairs(cjson.decode(parts)) do
  local key, command, values = part[1], part[2], part[3]
  if command == 'ZADD one' then
    redis.call('ZREM', key, stream)
    command = 'ZADD'
  else
    redis.call('DEL', key)
  end
  for first = 1, #values, 1000 do
    redis.call(command, key, unpack(values, first, math.min(first + 999, #values)))
  end
end
derived.forget(prefix, stream)
redis.call('HSET', positions, stream, position)
return 1
"""
"""Lua that replaces all keys of a stream, if its position is the expected one.

Values go in chunks of 1,000, because `unpack` puts them on Lua's stack, which holds 8,000 in Redis. `ZADD one` is our
own word: the key is a sorted set of many streams, of which only this stream's member is replaced. `derived` of the read
model stands before it."""

CHANGE = """
local known = redis.call('HMGET', KEYS[1], 'live', 'beside', 'is_whole', 'newest')
local default = {'1', '', '0', '1'}
for place = 1, 4 do
  if (known[place] or default[place]) ~= ARGV[place] then
    return 0
  end
end
redis.call('HSET', KEYS[1], 'live', ARGV[5], 'beside', ARGV[6], 'is_whole', ARGV[7], 'newest', ARGV[8])
return 1
"""
"""Lua that changes the generations, if they are as expected. `beside` is the candidate, `is_whole` whether that is
complete."""

END_REPAIR = """
if redis.call('GET', KEYS[1]) ~= ARGV[1] then
  return 0
end
redis.call('DEL', KEYS[1])
redis.call('SET', KEYS[2], ARGV[1])
return 1
"""
"""Lua that sets the epoch, which says that the data is complete, if the token of the repair is still there.

If the memory was lost during the repair, so was the token, and what was loaded before is missing."""
