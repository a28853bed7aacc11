-- Tickets that were moved, in every generation: who holds them now, what a move shifts between concerts and days, and what
-- the valid tickets of a line cost, exactly. The views are the live generation.
do $$
declare
    generation record;
    live text := (select 'sales_' || live from generations where projection = 'sales');
begin
    for generation in select nspname as name from pg_namespace where nspname ~ '^sales_[0-9]+$' loop
        execute format('alter table %I.sales_tickets add column holder text', generation.name);
        execute format('alter table %I.sales_lines add column value numeric not null default 0', generation.name);
        execute format($values$
            with lines as (
                select o.id as order_id, line.value as line, line.ordinality as place
                  from %1$I.sales_orders o
                 cross join lateral jsonb_array_elements(o.document::jsonb -> 'lines') with ordinality line
            ), admissions as (
                select order_id, (line ->> 'ticket_type_id')::uuid as ticket_type_id,
                       (line #>> '{unit_price,amount}')::numeric as price,
                       row_number() over (partition by order_id order by place, number) as admission
                  from lines
                 cross join lateral generate_series(1, (line ->> 'quantity')::integer) number
            ), tickets as (
                select o.id as order_id, ticket.ordinality as admission
                  from %1$I.sales_orders o
                 cross join lateral jsonb_array_elements(o.document::jsonb -> 'tickets') with ordinality ticket
                 where ticket.value ->> 'status' = 'valid'
            ), worth as (
                select a.order_id, a.ticket_type_id, sum(case when t.order_id is null then 0 * price else price end) as value
                  from admissions a
                  left join tickets t on t.order_id = a.order_id and t.admission = a.admission
                 group by 1, 2
            )
            update %1$I.sales_lines l set value = worth.value
              from worth where worth.order_id = l.order_id and worth.ticket_type_id = l.id
        $values$, generation.name);
        execute format('alter table %I.sales_lines alter column value drop default', generation.name);
        execute format('create table %I.sales_moves (
            order_id uuid not null,
            id text not null,
            concert_id uuid not null,
            at timestamptz not null,
            quantity bigint not null,
            amount numeric not null,
            currency text not null,
            primary key (order_id, id)
        )', generation.name);
        execute format('create index on %I.sales_moves (concert_id, at)', generation.name);
    end loop;
    execute format('create or replace view sales_tickets as select * from %I.sales_tickets', live);
    execute format('create or replace view sales_lines as select * from %I.sales_lines', live);
    execute format('create view sales_moves as select * from %I.sales_moves', live);
end $$;
