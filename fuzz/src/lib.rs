//! What is done with each input. libFuzzer finds inputs; the tests of the main workspace repeat those in `corpus`.

pub mod script;
pub mod spec;
