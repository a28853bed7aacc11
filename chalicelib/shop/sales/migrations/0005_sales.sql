-- What organisers see of their sales. Orders, tickets, concerts and venues are streams of their own: nothing here refers
-- to a row of another stream, and queries join them.
create schema sales_1;
create table sales_1.positions (
    projection text not null,
    stream_id uuid not null,
    version bigint not null,
    primary key (projection, stream_id)
);

create table sales_1.sales_venues (
    id uuid primary key,
    version bigint not null,
    name text,
    time_zone text,
    zone text generated always as (known_time_zone(time_zone)) stored
);

-- A concert that shows a copy of its venue has its name and time zone; any other is joined with the venue itself.
create table sales_1.sales_concerts (
    id uuid primary key,
    version bigint not null,
    status text not null,
    organiser_id uuid,
    venue_id uuid,
    venue_name text,
    venue_time_zone text,
    venue_zone text generated always as (known_time_zone(venue_time_zone)) stored,
    name text,
    starts_at timestamptz
);
create index sales_concerts_by_organiser on sales_1.sales_concerts (organiser_id, id);

create table sales_1.sales_ticket_types (
    concert_id uuid not null,
    id uuid not null,
    added_at_version bigint not null,
    name text not null,
    price_amount numeric not null,
    price_currency text not null,
    quantity bigint not null,
    sales_start timestamptz,
    primary key (concert_id, id)
);

-- `document` is the order as its customer sees it, in JSON: the next event is folded into it. `buyer` is a sealed envelope.
create table sales_1.sales_orders (
    id uuid primary key,
    version bigint not null,
    status text,
    customer_id uuid,
    placed_at timestamptz,
    confirmed_at timestamptz,
    payment_due_at timestamptz,
    has_open_payment boolean not null,
    buyer text,
    document text not null
);

-- The part of an order that is about one concert: how many tickets were ordered and are valid, and its share of the money.
create table sales_1.sales_parts (
    order_id uuid not null,
    id uuid not null,
    placed_at timestamptz not null,
    quantity bigint not null,
    sold bigint not null,
    currency text not null,
    total numeric not null,
    taken numeric not null,
    refunded numeric not null,
    refunding numeric not null,
    charged_back numeric not null,
    kept numeric not null,
    primary key (order_id, id)
);
create index sales_parts_by_concert on sales_1.sales_parts (id, placed_at desc, order_id desc);

create table sales_1.sales_lines (
    order_id uuid not null,
    id uuid not null,
    concert_id uuid,
    name text not null,
    quantity bigint not null,
    amount numeric not null,
    currency text not null,
    sold bigint not null,
    primary key (order_id, id)
);
create index sales_lines_by_concert on sales_1.sales_lines (concert_id, order_id);

create table sales_1.sales_tickets (
    order_id uuid not null,
    id uuid not null,
    concert_id uuid,
    ticket_type_id uuid not null,
    name text not null,
    status text not null,
    issued_at timestamptz not null,
    primary key (order_id, id)
);
create index sales_tickets_by_concert on sales_1.sales_tickets (concert_id, issued_at, order_id, id);

-- A refund that gives back money of several concerts has a row for each.
create table sales_1.sales_refunds (
    order_id uuid not null,
    id text not null,
    refund_id uuid not null,
    concert_id uuid not null,
    amount numeric not null,
    currency text not null,
    reason text not null,
    status text not null,
    started_at timestamptz not null,
    completed_at timestamptz,
    primary key (order_id, id)
);
create index sales_refunds_by_concert on sales_1.sales_refunds (concert_id, started_at desc, order_id desc, id desc);

create table sales_1.sales_check_ins (
    id uuid primary key,
    version bigint not null,
    order_id uuid,
    concert_id uuid,
    checked_in_at timestamptz,
    revoked_at timestamptz
);
create index sales_check_ins_by_concert on sales_1.sales_check_ins (concert_id, checked_in_at);

create view sales_venues as select * from sales_1.sales_venues;
create view sales_concerts as select * from sales_1.sales_concerts;
create view sales_ticket_types as select * from sales_1.sales_ticket_types;
create view sales_orders as select * from sales_1.sales_orders;
create view sales_parts as select * from sales_1.sales_parts;
create view sales_lines as select * from sales_1.sales_lines;
create view sales_tickets as select * from sales_1.sales_tickets;
create view sales_refunds as select * from sales_1.sales_refunds;
create view sales_check_ins as select * from sales_1.sales_check_ins;

insert into generations (projection, live, beside, is_whole, newest) values ('sales', 1, null, false, 1);
