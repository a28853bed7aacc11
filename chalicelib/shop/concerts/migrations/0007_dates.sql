-- When a concert is over, and how long it lasts, so that a list can leave out what is past, and a concert over several
-- days is found on each. Every generation gets the same columns in the same order.
do $$
declare
    generation text;
    live integer;
begin
    for generation in select nspname from pg_namespace where nspname ~ '^programme_[0-9]+$' loop
        execute format('alter table %I.concerts
                        add column over_at timestamptz generated always as
                            (coalesce(greatest(starts_at, ends_at), ''infinity''::timestamptz)) stored,
                        add column lasts interval generated always as
                            (greatest(starts_at, ends_at) - starts_at) stored', generation);
        execute format('create index on %I.concerts (lasts) where status = ''published''', generation);
    end loop;
    select g.live into live from generations g where g.projection = 'programme';
    execute format('create or replace view concerts as select * from programme_%s.concerts', live);
end $$;
