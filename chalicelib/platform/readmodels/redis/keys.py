"""Defines the keys that every read model in Redis has, and the Lua that finds those of the live generation."""

LIVE_PREFIX = """
local prefix, live = ARGV[1], redis.call('HGET', KEYS[1], 'live') or '1'
if live ~= '1' then
  prefix = prefix .. live .. ':'
end
"""
"""Lua for the beginning of a query: it sets `prefix` to that of the live generation. The query's first key must be
`pointer_of`, its first argument `prefix_of`. Pointer and data are read in one script, so no switch comes in between."""


def prefix_of(projection: str, generation: int = 1) -> str:
    """Return the beginning of every key of a projection; the braces put them all on one node of a cluster."""
    return f"cloudbash:{{{projection}}}:" + ("" if generation == 1 else f"{generation}:")


def pointer_of(projection: str) -> str:
    """Return the key of the hash that names the generations; queries read its field `live`."""
    return f"{prefix_of(projection)}generations"
