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
                add column venue_location_search text generated always as (case when venue_name is not null then
                    search_text(coalesce(venue_city, '') || ' ' || venue_name || ' ' || coalesce(venue_country, ''))
                    end) stored,
                add column venue_search_time_zone text generated always as (known_time_zone(venue_time_zone)) stored
        $alter$, generation);
        execute format(
            'create index concerts_by_location on %I.concerts using gin (venue_location_search gin_trgm_ops)',
            generation);
    end loop;
    execute format('create or replace view venues as select * from programme_%s.venues', live);
    execute format('create or replace view concerts as select * from programme_%s.concerts', live);
end $$;
