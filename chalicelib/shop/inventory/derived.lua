-- What the scripts that change streams do with the stock of their ticket types; it stands behind stock.lua.

function derived.refresh(prefix, stream)
  local ticket_type = redis.call('HGET', prefix .. 'pool:' .. stream, 'type')
  if ticket_type then
    recount(prefix, ticket_type, stream, 0)
  end
end

function derived.forget(prefix, stream)
  redis.call('DEL', prefix .. 'types:' .. stream)
  local ticket_type = redis.call('HGET', prefix .. 'pool:' .. stream, 'type')
  if ticket_type then
    redis.call('DEL', prefix .. 'sums:' .. ticket_type)
  end
end
