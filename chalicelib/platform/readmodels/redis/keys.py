"""The keys that every read model in Redis has, and the Lua by which a query finds those of the live generation."""

LIVE_PREFIX = """
local prefix, live = ARGV[1], redis.call('HGET', KEYS[1], 'live') or '1'
if live ~= '1' then
  prefix = prefix .. live .. ':'
end
"""
"""Lua for the beginning of a query: `prefix` of the live generation. It wants `pointer_of` as the first key and
`prefix_of` as the first argument."""


def prefix_of(projection: str, generation: int = 1) -> str:
    """Return what every key of a projection begins with; the braces keep them on one node of a cluster."""
    return f"cloudbash:{{{projection}}}:" + ("" if generation == 1 else f"{generation}:")


def pointer_of(projection: str) -> str:
    """Return the key of the hash of generations: queries ask its `live`."""
    return f"{prefix_of(projection)}generations"
