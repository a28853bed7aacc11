-- Which generation of a read model answers the queries, and which is kept beside it. None here means: the first, alone.
create table generations (
    projection text primary key,
    live integer not null,
    beside integer,
    is_whole boolean not null,
    newest integer not null
);

-- Each generation of the programme is a schema of its own, with its positions. The views are the live one.
create schema programme_1;
alter table ticket_types drop constraint ticket_types_concert_id_fkey;
alter table positions set schema programme_1;
alter table venues set schema programme_1;
alter table concerts set schema programme_1;
alter table ticket_types set schema programme_1;

create view venues as select * from programme_1.venues;
create view concerts as select * from programme_1.concerts;
create view ticket_types as select * from programme_1.ticket_types;

-- There from the beginning, so that a reader who writes what it lacks can hold on to it.
insert into generations (projection, live, beside, is_whole, newest) values ('programme', 1, null, false, 1);
