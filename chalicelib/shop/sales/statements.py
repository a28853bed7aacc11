"""Holds the statements that read the sales.

All but CONCERT and PUBLISHED_OF come after SCOPE: the concerts that they are about.

Lists are read in the order of their indexes, from each concert as many rows as a page has: so the first page of a large
sale costs no more than that of a small one.
"""

SCOPE = """
with scope as (
    select c.id, c.name, coalesce(c.venue_zone, v.zone, 'UTC') as zone
      from sales_concerts c
      left join sales_venues v on v.id = c.venue_id
     where c.name is not null and c.status <> 'deleted'
       and (c.id = %(concert_id)s::uuid or c.organiser_id = %(organiser_id)s::uuid)
)"""

CONCERT = """
select c.id, c.name, c.status, c.organiser_id, c.starts_at, c.version, coalesce(c.venue_name, v.name) as venue,
       coalesce(c.venue_zone, v.zone, 'UTC') as zone
  from sales_concerts c
  left join sales_venues v on v.id = c.venue_id
 where c.name is not null and c.status <> 'deleted' and c.id = %(concert_id)s
"""

PUBLISHED_OF = """
select id from sales_concerts
 where organiser_id = %(organiser_id)s and status = 'published' and (starts_at is null or starts_at > %(since)s)
 order by starts_at desc, id limit %(rows)s
"""

_SUMS = """
       count(distinct p.order_id) filter (where o.confirmed_at is not null) as orders,
       coalesce(sum(p.sold), 0) as sold,
       sum(p.taken) as taken, sum(p.refunded) as refunded, sum(p.refunding) as refunding,
       sum(p.charged_back) as charged_back, sum(p.kept) as kept
  from scope s
  join sales_parts p on p.id = s.id
  join sales_orders o on o.id = p.order_id"""
MONEY = f"select p.currency,{_SUMS}\n group by p.currency order by p.currency"
MONEY_BY_CONCERT = f"select p.id, p.currency,{_SUMS}\n where p.id = any(%(ids)s) group by 1, 2 order by 1, 2"

COUNTS = """
select (select count(*) from scope s join sales_check_ins i on i.concert_id = s.id where i.checked_in_at is not null)
           as checked_in,
       (select count(*) from scope s join sales_tickets t on t.concert_id = s.id where t.status = 'valid') as valid,
       (select count(*) from scope s join sales_tickets t on t.concert_id = s.id where t.status = 'revoked') as revoked
"""

TICKET_TYPES = """
select t.id, t.concert_id, t.name, t.price_amount, t.price_currency,
       case when t.area_id is null then t.quantity end as quantity, coalesce(l.sold, 0) as sold,
       coalesce(l.value, 0) as value
  from scope s
  join sales_ticket_types t on t.concert_id = s.id
  left join lateral (
      select sum(l.sold) as sold, sum(l.value) as value
        from sales_lines l where l.concert_id = t.concert_id and l.id = t.id) l on true
 order by t.concert_id, t.added_at_version
"""

CONCERTS = """
select c.id, c.name, c.status, c.starts_at, s.zone
  from scope s join sales_concerts c on c.id = s.id
 where (coalesce(c.starts_at, 'infinity'), c.id) < (%(after_at)s::timestamptz, %(after_id)s::uuid) is not false
 order by coalesce(c.starts_at, 'infinity') desc, c.id desc
 limit %(rows)s
"""

_STATUS = """case when o.status = 'awaiting_payment' and not o.has_open_payment and o.payment_due_at <= %(now)s
            then 'expired' else o.status end"""

ORDERS = """, parts as (
    select p.*, {status} as status, o.buyer, o.confirmed_at, o.version
      from scope s
      cross join lateral (
          select p.* from sales_parts p join sales_orders o on o.id = p.order_id
           where p.id = s.id and (p.placed_at, p.order_id) < (%(after_at)s, %(after_id)s)
             and (%(order_id)s::uuid is null or p.order_id = %(order_id)s)
             and (%(status)s::text is null or {status} = %(status)s)
           order by p.placed_at desc, p.order_id desc
           limit %(rows)s) p
      join sales_orders o on o.id = p.order_id
)
select order_id, placed_at, status, buyer, confirmed_at, version, currency,
       sum(quantity) as quantity, sum(sold) as sold, sum(total) as total, sum(taken) as taken,
       sum(refunded) as refunded, sum(refunding) as refunding,
       sum(charged_back) as charged_back, sum(kept) as kept
  from parts
 group by order_id, placed_at, status, buyer, confirmed_at, version, currency
 order by placed_at desc, order_id desc
 limit %(rows)s
""".replace("{status}", _STATUS)

LINES = """
select l.order_id, l.id, l.concert_id, s.name as concert_name, coalesce(y.name, l.name) as name, l.quantity, l.sold,
       l.amount, l.currency
  from scope s
  join sales_lines l on l.concert_id = s.id and l.order_id = any(%(ids)s)
  left join sales_ticket_types y on y.concert_id = l.concert_id and y.id = l.id
 order by l.order_id, s.name, name, l.id
"""

ATTENDEES = """
select t.id, t.order_id, t.concert_id, t.ticket_type_id, coalesce(y.name, t.name) as name, t.status, t.issued_at,
       s.name as concert_name, coalesce(t.holder, o.buyer) as buyer, i.checked_in_at
  from scope s
  cross join lateral (
      select t.* from sales_tickets t
       where t.concert_id = s.id and (t.issued_at, t.order_id, t.id) > (%(after_at)s, %(after_id)s, %(after_key)s)
         and (%(order_id)s::uuid is null or t.order_id = %(order_id)s)
         and (%(status)s::text is null or t.status = %(status)s)
         and (%(checked_in)s::boolean is null or %(checked_in)s = exists (
             select from sales_check_ins i where i.id = t.id and i.checked_in_at is not null))
       order by t.issued_at, t.order_id, t.id
       limit %(rows)s) t
  join sales_orders o on o.id = t.order_id
  left join sales_check_ins i on i.id = t.id
  left join sales_ticket_types y on y.concert_id = t.concert_id and y.id = t.ticket_type_id
 order by t.issued_at, t.order_id, t.id
 limit %(rows)s
"""

REFUNDS = """
select r.*, s.name as concert_name
  from scope s
  cross join lateral (
      select r.* from sales_refunds r
       where r.concert_id = s.id and (r.started_at, r.order_id, r.id) < (%(after_at)s, %(after_id)s, %(after_key)s)
         and (%(order_id)s::uuid is null or r.order_id = %(order_id)s)
         and (%(status)s::text is null or r.status = %(status)s)
       order by r.started_at desc, r.order_id desc, r.id desc
       limit %(rows)s) r
 order by r.started_at desc, r.order_id desc, r.id desc
 limit %(rows)s
"""

# What is moved counts on its day: the concert that it went to sells it then; the one that it left had it until then.
DAYS = """, moved as (
    select m.order_id, m.concert_id, sum(m.quantity) as quantity, sum(m.amount) as amount
      from scope s join sales_moves m on m.concert_id = s.id
     group by 1, 2
), movements as (
    select (o.confirmed_at at time zone s.zone)::date as day, s.zone, p.currency, p.order_id,
           p.quantity - coalesce(m.quantity, 0) as quantity, p.total - coalesce(m.amount, 0) as total, 0 as refunded
      from scope s join sales_parts p on p.id = s.id join sales_orders o on o.id = p.order_id
      left join moved m on m.order_id = p.order_id and m.concert_id = p.id
     where o.confirmed_at is not null and p.quantity is distinct from m.quantity
    union all
    select (r.completed_at at time zone s.zone)::date, s.zone, r.currency, null, 0, 0, r.amount
      from scope s join sales_refunds r on r.concert_id = s.id
     where r.completed_at is not null
    union all
    select (m.at at time zone s.zone)::date, s.zone, m.currency, null, m.quantity, m.amount, 0
      from scope s join sales_moves m on m.concert_id = s.id
)
select day, currency, count(distinct order_id) as orders, sum(quantity) as tickets, sum(total) as sales,
       sum(refunded) as refunded, min(zone) as zone, count(distinct zone) as zones,
       min(day::timestamp at time zone zone) as starts_at, max((day + 1)::timestamp at time zone zone) as ends_at
  from movements
 where (%(date_from)s::date is null or day >= %(date_from)s) and (%(date_to)s::date is null or day <= %(date_to)s)
   and (%(after_day)s::date is null or (day, currency) > (%(after_day)s, %(after_currency)s))
 group by day, currency
 order by day, currency
 limit %(rows)s
"""

OPENING = """, orders as (
    select p.placed_at, p.quantity, o.confirmed_at is not null as is_paid
      from scope s join sales_parts p on p.id = s.id join sales_orders o on o.id = p.order_id
), begun as (
    select date_trunc('minute', min(placed_at)) as at from orders
     where placed_at >= coalesce((
        select min(t.sales_start) from scope s join sales_ticket_types t on t.concert_id = s.id
         having bool_and(t.sales_start is not null)), '-infinity')
)
select begun.at, floor(extract(epoch from placed_at - begun.at) / 60)::int as minute, count(*) as orders,
       sum(quantity) as ordered, coalesce(sum(quantity) filter (where is_paid), 0) as paid
  from begun join orders on placed_at >= begun.at and placed_at < begun.at + make_interval(mins => %(minutes)s)
 group by 1, 2
 order by 2
"""
