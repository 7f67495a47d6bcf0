//! The integration tests: the real binary, on real files, against expectations that share no code with it.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::string_slice,
    clippy::disallowed_methods,
    reason = "a test that meets the unforeseen ends loudly"
)]

mod alongside;
mod bad_input;
mod bank;
mod chinook;
mod composite;
mod corpus;
mod demo;
mod editor;
mod ends;
mod environment;
mod exact;
mod expression_rules;
mod fix;
mod foreign_key;
mod graph;
mod history;
mod infer;
mod insurance;
mod kill;
mod lock;
mod mend;
mod minted;
mod points;
mod preview;
mod proven;
mod refusals;
mod reports;
mod retried;
mod schemas;
mod selection;
mod server;
mod server_kill;
mod shared;
mod soft;
mod spec_tests;
mod streams;
mod values;
mod world;
