"""Holds the statements that read what doors and their organisers see of the doors."""

ORDER_OF = "select order_id from sales_tickets where id = %(ticket_id)s"

POSITION = """
select pg_snapshot_xmin(pg_current_snapshot())::text as position, pg_snapshot_xmax(pg_current_snapshot())::text as last,
       (select live from generations where projection = 'sales') as generation
"""

ENTRIES = """
with changed as (
    select t.id from sales_tickets t
     where t.concert_id = %(concert_id)s and t.changed_in >= %(since)s::xid8
       and (t.status <> 'valid' or t.serial is not null)
    union
    select i.id from sales_check_ins i
     where i.concert_id = %(concert_id)s and i.changed_in >= %(since)s::xid8
       and (%(is_delta)s or i.checked_in_at is not null or i.revoked_at is not null)
), page as (
    select id from changed where id > %(after)s order by id limit %(rows)s
)
select p.id, t.serial, coalesce(t.status, 'valid') <> 'valid' or i.revoked_at is not null as is_revoked,
       i.checked_in_at, i.inside_since, i.gate
  from page p
  left join sales_tickets t on t.id = p.id
  left join sales_check_ins i on i.id = p.id
 order by p.id
"""

TOTALS = """
select count(*) filter (where checked_in_at is not null) as checked_in,
       count(*) filter (where inside_since is not null) as inside,
       (select count(*) from sales_tickets where concert_id = %(concert_id)s and status = 'valid') as valid
  from sales_check_ins where concert_id = %(concert_id)s
"""

MINUTES = """
select date_trunc('minute', at) as minute, gate,
       count(*) filter (where verdict = 'admitted') as admitted,
       count(*) filter (where verdict = 'left') as left,
       count(*) filter (where verdict = 'double') as double,
       count(*) filter (where verdict = 'flawed') as flawed
  from sales_scans
 where concert_id = %(concert_id)s and at >= %(since)s
   and (date_trunc('minute', at), coalesce(gate, '')) > (%(after_at)s, %(after_gate)s)
 group by 1, 2
 order by 1, coalesce(gate, '')
 limit %(rows)s
"""

REPORT = """
select s.at, s.ticket_id, s.id, s.gate, s.device_id, s.direction, s.verdict, s.flaw, s.override, s.is_offline,
       t.order_id, o.id as counts_id, o.at as counts_at, o.gate as counts_gate, o.device_id as counts_device_id
  from sales_scans s
  left join sales_scans o on o.ticket_id = s.ticket_id and o.id = s.against
  left join sales_tickets t on t.id = s.ticket_id
 where s.concert_id = %(concert_id)s
   and (s.verdict in ('double', 'flawed', 'undone') or s.override is not null)
   and (s.at, s.ticket_id, s.id) > (%(after_at)s, %(after_ticket)s, %(after_id)s)
 order by s.at, s.ticket_id, s.id
 limit %(rows)s
"""
