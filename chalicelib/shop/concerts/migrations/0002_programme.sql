create extension if not exists unaccent;
create extension if not exists pg_trgm;

-- Text as it is compared: one form of each character, no accents, lower case. Immutable is our promise, not unaccent's:
-- whoever changes its rules has to rebuild the columns made with it.
create function search_text(text) returns text
    language sql immutable strict parallel safe
    return btrim(lower(unaccent('unaccent'::regdictionary, normalize($1, NFKC))));

-- The LIKE pattern of whatever contains the given text. Wildcards are escaped last: some characters are normalised to one.
create function containing(text) returns text
    language sql immutable strict parallel safe
    return '%' || regexp_replace(search_text($1), '([\\%_])', '\\\1', 'g') || '%';

-- A time zone that a query can use: an imported name may be one that this server does not know, or that it takes for a
-- POSIX rule with any offset. Search by date counts on less than a day.
create function known_time_zone(zone text) returns text
    language plpgsql immutable strict parallel safe as $$
declare
    midnight constant timestamp := '2000-01-01 00:00';
begin
    if abs(extract(epoch from (midnight at time zone zone) - (midnight at time zone 'UTC'))) < 86400 then
        return zone;
    end if;
    return 'UTC';
exception
    when invalid_parameter_value then
        return 'UTC';
end $$;

-- One row for each stream, made by whichever of its events comes first: an imported stream may lack its beginning.
-- No foreign key leads from one stream to another, because streams arrive in any order relative to each other.
create table venues (
    id uuid primary key,
    version bigint not null,
    deleted boolean not null default false,
    organiser_id uuid,
    name text,
    description text,
    capacity bigint,
    address text,
    city text,
    country text,
    time_zone text,
    web_url text,
    sort_name text collate "C" generated always as (left(search_text(name), 200)) stored,
    location_search text generated always as
        (search_text(coalesce(city, '') || ' ' || coalesce(name, '') || ' ' || coalesce(country, ''))) stored,
    search_time_zone text generated always as (known_time_zone(time_zone)) stored
);

create index venues_by_name on venues (sort_name, id) where not deleted;
create index venues_by_location on venues using gin (location_search gin_trgm_ops);

create table concerts (
    id uuid primary key,
    version bigint not null,
    status text not null default 'draft',
    organiser_id uuid,
    venue_id uuid,
    name text,
    description text,
    genre text,
    image_url text,
    starts_at timestamptz,
    ends_at timestamptz,
    sort_at timestamptz generated always as (coalesce(starts_at, 'infinity'::timestamptz)) stored,
    name_search text generated always as (search_text(name)) stored,
    genre_search text generated always as (search_text(genre)) stored
);

create index concerts_by_start on concerts (sort_at, id) where status = 'published';
create index concerts_by_venue on concerts (venue_id, sort_at, id) where status = 'published';
create index concerts_by_name on concerts using gin (name_search gin_trgm_ops);

create table ticket_types (
    concert_id uuid not null references concerts on delete cascade,
    id uuid not null,
    added_at_version bigint not null,
    name text not null,
    price_amount numeric not null,
    price_currency text not null,
    quantity bigint not null,
    max_per_order bigint not null,
    sales_start timestamptz,
    sales_end timestamptz,
    primary key (concert_id, id)
);
