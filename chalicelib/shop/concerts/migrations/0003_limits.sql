alter table concerts add column max_per_customer bigint;
