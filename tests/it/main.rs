//! The integration tests: the real binary, on real files, against expectations that share no code with it.

mod chinook;
mod demo;
mod kill;
mod mend;
mod refusals;
mod world;
