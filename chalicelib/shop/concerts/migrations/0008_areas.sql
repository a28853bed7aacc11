-- Areas, whose stock several ticket types share, in every generation of the programme. The views are the live one.
do $$
declare
    generation record;
    live text := (select 'programme_' || live from generations where projection = 'programme');
begin
    for generation in select nspname as name from pg_namespace where nspname ~ '^programme_[0-9]+$' loop
        execute format('alter table %I.ticket_types add column area_id uuid, add column ceiling bigint', generation.name);
        execute format('create table %I.areas (
            concert_id uuid not null,
            id uuid not null,
            added_at_version bigint not null,
            name text not null,
            capacity bigint not null,
            primary key (concert_id, id)
        )', generation.name);
    end loop;
    execute format('create or replace view ticket_types as select * from %I.ticket_types', live);
    execute format('create view areas as select * from %I.areas', live);
end $$;
