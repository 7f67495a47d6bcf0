//! The loader of YAML, the decoder and the compiler of specs.

#![no_main]

use std::path::Path;
use std::sync::{LazyLock, Mutex};

use libfuzzer_sys::fuzz_target;
use transload_fuzz::spec::Target;

static TARGET: LazyLock<Mutex<Target>> =
    LazyLock::new(|| Mutex::new(Target::new(&Path::new(env!("CARGO_MANIFEST_DIR")).join("project"))));

fuzz_target!(|bytes: &[u8]| TARGET.lock().expect("one thread").check(bytes));
