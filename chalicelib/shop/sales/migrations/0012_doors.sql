-- What happened at the doors: every scan with its verdict, who is inside, and which tickets have newer codes. Rows that a
-- list at a door shows say in which transaction they were changed, so that a device asks for what is new (ADR 72).
do $$
declare
    generation text;
    live integer := (select live from generations where projection = 'sales');
begin
    for generation in select nspname from pg_namespace where nspname ~ '^sales_[0-9]+$' loop
        execute format('alter table %I.sales_tickets
                        add column serial integer,
                        add column changed_in xid8 not null default pg_current_xact_id()', generation);
        execute format('create index on %I.sales_tickets (id)', generation);
        execute format('create index on %I.sales_tickets (concert_id, changed_in)
                        where status <> ''valid'' or serial is not null', generation);
        execute format('alter table %I.sales_check_ins
                        add column inside_since timestamptz,
                        add column gate text,
                        add column changed_in xid8 not null default pg_current_xact_id()', generation);
        execute format('create index on %I.sales_check_ins (concert_id, changed_in)', generation);
        execute format('create table %I.sales_scans (
                            ticket_id uuid not null,
                            id uuid not null,
                            concert_id uuid not null,
                            direction text not null,
                            verdict text not null,
                            gate text,
                            device_id uuid not null,
                            at timestamptz not null,
                            override text,
                            flaw text,
                            is_offline boolean not null,
                            against uuid,
                            primary key (ticket_id, id)
                        )', generation);
        execute format('create index on %I.sales_scans (concert_id, at, ticket_id, id)', generation);
    end loop;
    execute format('create or replace view sales_tickets as select * from sales_%s.sales_tickets', live);
    execute format('create or replace view sales_check_ins as select * from sales_%s.sales_check_ins', live);
    execute format('create view sales_scans as select * from sales_%s.sales_scans', live);
end $$;
