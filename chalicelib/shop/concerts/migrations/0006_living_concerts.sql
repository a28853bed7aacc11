-- A published concert shows its own copy of its venue. It may be postponed, its sales closed, its tickets given back.
do $$
declare
    generation text;
    live integer := (select live from generations where projection = 'programme');
begin
    for generation in select nspname from pg_namespace where nspname ~ '^programme_[0-9]+$' loop
        execute format('alter table %I.venues add column shared boolean not null default false', generation);
        execute format($alter$
            alter table %I.concerts
                add column postponed boolean not null default false,
                add column sales_closed boolean not null default false,
                add column refundable_until timestamptz,
                add column venue_name text,
                add column venue_address text,
                add column venue_city text,
                add column venue_country text,
                add column venue_time_zone text,
                add column venue_web_url text,
                add column venue_latitude double precision,
                add column venue_longitude double precision,
                add column venue_place_terms tsvector,
                add column venue_city_key text,
                add column venue_search_time_zone text generated always as (known_time_zone(venue_time_zone)) stored
        $alter$, generation);
        execute format('create index on %I.concerts using gin (venue_place_terms) with (fastupdate = off)', generation);
    end loop;
    execute format('create or replace view venues as select * from programme_%s.venues', live);
    execute format('create or replace view concerts as select * from programme_%s.concerts', live);
end $$;
