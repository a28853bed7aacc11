-- How far each projection has come in each stream: the version of the last event applied.
create table positions (
    projection text not null,
    stream_id uuid not null,
    version bigint not null,
    primary key (projection, stream_id)
);
