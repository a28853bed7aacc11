-- The area from which a ticket type draws, in every generation of the sales. The view is the live one.
do $$
declare
    generation record;
    live text := (select 'sales_' || live from generations where projection = 'sales');
begin
    for generation in select nspname as name from pg_namespace where nspname ~ '^sales_[0-9]+$' loop
        execute format('alter table %I.sales_ticket_types add column area_id uuid', generation.name);
    end loop;
    execute format('create or replace view sales_ticket_types as select * from %I.sales_ticket_types', live);
end $$;
