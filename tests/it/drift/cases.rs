//! What people do to tables while rows are moved, and what that is to a run.

/// What is done to a table, how it is undone, what is told of it while a run goes on, and what it is before one.
pub(super) struct Case(pub(super) &'static str, pub(super) &'static str, pub(super) &'static str, pub(super) Weight);

/// What a change is to a run that has yet to begin, where the project is locked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Weight {
    /// It is refused.
    Breaks,
    /// It goes on, and warns.
    Look,
    /// It goes on.
    Safe,
    /// It goes on: the lock does not say such things of a table.
    Unseen,
}

use Weight::{Breaks, Look, Safe, Unseen};

/// What SQLite can change about a table.
pub(super) const OF_FILE: &[Case] = &[
    Case("alter table people add column x text", "alter table people drop column x", "column `x` is new", Safe),
    Case(
        "alter table people drop column note",
        "alter table people add column note varchar(20)",
        "column `note` is gone",
        Safe,
    ),
    Case(
        "alter table people rename column note to remark",
        "alter table people rename column remark to note",
        "column `note` is gone",
        Safe,
    ),
    Case(
        "alter table people rename column name to called",
        "alter table people rename column called to name",
        "column `name` is gone",
        Breaks,
    ),
    Case("alter table people rename to persons", "alter table persons rename to people", "the table is gone", Breaks),
    Case("create unique index one on people (name)", "drop index one", "the unique key (name) is new", Look),
    Case("create unique index one on people (town)", "drop index one", "the unique key (town) is new", Look),
    Case(
        "create unique index one on people (name) where town > 3",
        "drop index one",
        "a unique constraint beside the primary key is new",
        Look,
    ),
    Case(
        "create trigger keeper after insert on people begin select 1; end",
        "drop trigger keeper",
        "the trigger `keeper` is new",
        Look,
    ),
];

/// Kinds of change that PostgreSQL can make, thirty at least.
pub(super) const OF_SERVER: &[Case] = &[
    Case("alter table people add x text", "alter table people drop x", "column `x` is new", Safe),
    Case("alter table people add x text not null default 'x'", "alter table people drop x", "column `x` is new", Safe),
    Case("alter table people drop note", "alter table people add note varchar(20)", "column `note` is gone", Safe),
    Case(
        "alter table people rename note to remark",
        "alter table people rename remark to note",
        "column `note` is gone",
        Safe,
    ),
    Case(
        "alter table people rename name to called",
        "alter table people rename called to name",
        "column `name` is gone",
        Breaks,
    ),
    Case(
        "alter table people alter name type varchar(60)",
        "alter table people alter name type text",
        "column `name` was text, is character varying(60)",
        Breaks,
    ),
    Case(
        "alter table people alter town type text using town::text",
        "alter table people alter town type integer using town::integer",
        "column `town` was integer, is text",
        Breaks,
    ),
    Case(
        "alter table people alter note type varchar(10)",
        "alter table people alter note type varchar(20)",
        "column `note` was character varying(20), is character varying(10)",
        Safe,
    ),
    Case(
        "alter table people alter name drop not null",
        "alter table people alter name set not null",
        "column `name` takes NULL now",
        Safe,
    ),
    Case(
        "alter table people alter town set not null",
        "alter table people alter town drop not null",
        "that column `town` takes NULL is no longer so",
        Look,
    ),
    Case(
        "alter table people alter age set default 8",
        "alter table people alter age set default 7",
        "a check, a default",
        Unseen,
    ),
    Case(
        "alter table people alter age drop default",
        "alter table people alter age set default 7",
        "that column `age` has a default is no longer so",
        Look,
    ),
    Case(
        "alter table people drop constraint people_pkey",
        "alter table people add primary key (id)",
        "the primary key was (id), is ()",
        Breaks,
    ),
    Case(
        "alter table people add constraint one unique (name)",
        "alter table people drop constraint one",
        "the unique key (name) is new",
        Look,
    ),
    Case(
        "alter table people add constraint one unique (town)",
        "alter table people drop constraint one",
        "the unique key (town) is new",
        Look,
    ),
    Case("create unique index one on people (lower(name))", "drop index one", "a unique constraint", Look),
    Case(
        "alter table people add constraint aged check (age < 200)",
        "alter table people drop constraint aged",
        "a check, a default",
        Unseen,
    ),
    Case(
        "alter table people add constraint of_town foreign key (town) references towns not valid",
        "alter table people drop constraint of_town",
        "the foreign key (town) to `towns` is new",
        Look,
    ),
    Case(
        "alter table people add constraint of_town foreign key (town) references towns on delete cascade not valid",
        "alter table people drop constraint of_town",
        "the foreign key (town) to `towns` on delete cascade is new",
        Look,
    ),
    Case("alter table people rename to persons", "alter table persons rename to people", "the table is gone", Breaks),
    Case(
        "create schema attic; alter table people set schema attic",
        "alter table attic.people set schema public; drop schema attic",
        "the table is gone",
        Breaks,
    ),
    Case("alter table people set unlogged", "alter table people set logged", "a check, a default", Unseen),
    Case(
        "alter table people enable row level security",
        "alter table people disable row level security",
        "a policy",
        Unseen,
    ),
    // It holds for the table's owner, too.
    Case(
        "alter table people enable row level security, force row level security",
        "alter table people disable row level security, no force row level security",
        "row security is new",
        Breaks,
    ),
    Case(
        "create rule hidden as on delete to people do instead nothing",
        "drop rule hidden on people",
        "the rule `hidden` is new",
        Breaks,
    ),
    Case(
        "create function keep() returns trigger language plpgsql as 'begin return new; end';
         create trigger keeper before insert on people for each row execute function keep()",
        "drop function keep() cascade",
        "the trigger `keeper` is new",
        Look,
    ),
    Case(
        "begin; lock table people in access exclusive mode; create table kept as select id, name from people;
         alter table people drop name; commit",
        "alter table people add name text; update people set name = kept.name from kept where kept.id = people.id;
         alter table people alter name set not null; drop table kept",
        "column `name` is gone",
        Breaks,
    ),
    Case(
        "alter table people alter id type text using id::text",
        "alter table people alter id type uuid using id::uuid",
        "column `id` was uuid, is text",
        Breaks,
    ),
    Case(
        "alter table people add x text not null default 'x'; alter table people alter x drop default",
        "alter table people drop x",
        "column `x` is new: text, which must have a value",
        Breaks,
    ),
    Case(
        "alter table people alter age set not null",
        "alter table people alter age drop not null",
        "that column `age` takes NULL is no longer so",
        Safe,
    ),
    Case(
        "alter table people alter note type text",
        "alter table people alter note type varchar(20)",
        "column `note` was character varying(20), is text",
        Safe,
    ),
    Case(
        "alter table people drop constraint people_pkey, add primary key (id, name)",
        "alter table people drop constraint people_pkey, add primary key (id)",
        "the primary key was (id), is (id, name)",
        Breaks,
    ),
    Case(
        "alter table people add twice integer generated always as (age * 2) stored",
        "alter table people drop twice",
        "column `twice` is new: integer",
        Safe,
    ),
];

/// What both systems can change about a table that is read.
pub(super) const OF_SOURCE: &[Case] = &[
    Case(
        "alter table old_people rename column nm to called",
        "alter table old_people rename column called to nm",
        "column `nm` is gone; `called` is where it was",
        Breaks,
    ),
    Case(
        "create table kept as select no, nm from old_people; alter table old_people drop column nm",
        "alter table old_people add column nm text;
         update old_people set nm = (select kept.nm from kept where kept.no = old_people.no); drop table kept",
        "column `nm` is gone",
        Breaks,
    ),
    Case(
        "alter table old_people rename to persons",
        "alter table persons rename to old_people",
        "the table is gone",
        Breaks,
    ),
    Case("alter table old_people add column fax text", "alter table old_people drop column fax", "`fax`", Safe),
];

pub(super) const OF_SOURCE_SERVER: &[Case] = &[
    Case(
        "alter table old_people alter no type text using no::text",
        "alter table old_people alter no type integer using no::integer",
        "column `no` was integer, is text",
        Breaks,
    ),
    Case(
        "alter table old_people alter no type bigint",
        "alter table old_people alter no type integer",
        "column `no` was integer, is bigint",
        Safe,
    ),
    Case(
        "alter table old_people alter no type numeric(12,2)",
        "alter table old_people alter no type integer",
        "column `no` was integer, is numeric(12,2)",
        Breaks,
    ),
    Case(
        "alter table old_people enable row level security, force row level security",
        "alter table old_people disable row level security, no force row level security",
        "row security is new",
        Breaks,
    ),
    Case(
        "alter table old_people drop constraint old_people_pkey",
        "alter table old_people add primary key (no)",
        "the primary key was (no), is ()",
        Breaks,
    ),
    Case(
        "alter table old_people drop constraint old_people_pkey, add primary key (town)",
        "alter table old_people drop constraint old_people_pkey, add primary key (no); alter table old_people alter town drop not null",
        "the primary key was (no), is (town)",
        Breaks,
    ),
    Case(
        "alter table old_people alter nm type varchar(60)",
        "alter table old_people alter nm type text",
        "column `nm`",
        Safe,
    ),
    Case(
        "alter table old_people alter town type text using town::text",
        "alter table old_people alter town type integer using town::integer",
        "column `town` was integer, is text",
        Look,
    ),
];
