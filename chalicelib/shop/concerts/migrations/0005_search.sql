-- Names are searched by terms that the projection makes, and no longer by what extensions of this server make of them.
-- Every generation gets the same columns in the same order. Until the programme has been rebuilt, its rows have the words
-- of their names, and no typos are forgiven.
drop view concerts;
drop view venues;

create function words_of(text) returns text[]
    language sql immutable parallel safe
    return (select array_agg(distinct '=' || left(word, 40))
              from regexp_split_to_table(search_text(coalesce($1, '')), '[^[:alnum:]]+') word where word <> '');

do $$
declare
    generation text;
    live integer;
begin
    for generation in select nspname from pg_namespace where nspname ~ '^programme_[0-9]+$' loop
        execute format('alter table %I.concerts add column name_terms tsvector, add column name_words tsvector,
                        add column name_length bigint, add column genre_key text', generation);
        execute format('update %I.concerts set name_terms = array_to_tsvector(words_of(name)),
                        name_words = array_to_tsvector(words_of(name)),
                        name_length = coalesce(cardinality(words_of(name)), 0), genre_key = search_text(genre)
                        where name is not null', generation);
        execute format('alter table %I.concerts drop column name_search, drop column genre_search', generation);
        execute format('create index on %I.concerts using gin (name_terms) with (fastupdate = off)', generation);

        execute format('alter table %I.venues add column place_terms tsvector, add column city_key text,
                        add column latitude double precision, add column longitude double precision', generation);
        execute format('update %I.venues set place_terms =
                        array_to_tsvector(words_of(concat_ws('' '', city, name, country))), city_key = search_text(city)
                        where name is not null', generation);
        execute format('alter table %I.venues drop column location_search', generation);
        execute format('create index on %I.venues using gin (place_terms) with (fastupdate = off)', generation);
        execute format('create index on %I.venues (latitude, longitude)', generation);
    end loop;
    select g.live into live from generations g where g.projection = 'programme';
    execute format('create view venues as select * from programme_%s.venues', live);
    execute format('create view concerts as select * from programme_%s.concerts', live);
end $$;

drop function words_of(text);
drop function containing(text);
