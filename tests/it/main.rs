//! The integration tests: the real binary, on real files, against expectations that share no code with it.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::string_slice,
    clippy::disallowed_methods,
    reason = "a test that meets the unforeseen ends loudly"
)]

mod adopted;
mod alongside;
mod bad_input;
mod bad_rows;
mod bank;
mod baseline;
mod by_cursor;
mod bystanders;
mod cascade;
mod chinook;
mod circle;
mod circle_later;
mod classes;
mod composite;
mod control;
mod control_lost;
mod corpus;
mod deferred_keys;
mod demo;
mod detect;
mod determinism;
mod drift;
mod drift_verb;
mod editor;
mod ends;
mod environment;
mod exact;
mod exchange;
mod expression_rules;
mod failures;
mod fix;
mod foreign_key;
mod foreign_order;
mod freed;
mod front;
mod full;
mod graph;
mod guards;
mod histories;
mod history;
mod host;
mod hostile;
mod infer;
mod insurance;
mod kill;
mod lock;
mod long_keys;
mod looking;
mod masked;
mod mend;
mod minted;
mod missing_schema;
mod moving;
mod named;
mod overtaken;
mod parts;
mod planted;
mod points;
mod preview;
mod proven;
mod quarantine;
mod refusals;
mod reports;
mod retried;
mod schemas;
mod segments;
mod selection;
mod sequences;
mod server;
mod server_kill;
mod shared;
mod soft;
mod spec_tests;
mod status;
mod streams;
mod takeover;
mod utf16;
mod values;
mod verify;
mod views;
mod without_spec;
mod world;
