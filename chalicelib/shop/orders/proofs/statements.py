"""Holds the statements that count the tickets of a concert in the sales."""

CONCERTS = "select id from sales_concerts where coalesce(starts_at, 'infinity') >= %(since)s order by id"

COUNTS = """
select concert_id as id, count(*) as issued, count(*) filter (where status = 'valid') as sold
  from sales_tickets where concert_id = any(%(concert_ids)s)
 group by 1
"""

TICKETS = """
select id, status = 'valid' as is_valid from sales_tickets where concert_id = %(concert_id)s order by issued_at, id
"""
