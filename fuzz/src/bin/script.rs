//! The check of scripts, and their run within limits.

#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use transload_fuzz::script::Target;

static TARGET: LazyLock<Target> = LazyLock::new(Target::new);

fuzz_target!(|bytes: &[u8]| TARGET.check(bytes));
