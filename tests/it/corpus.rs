//! What fuzzing found, again: every input of `fuzz/corpus`, done with as the fuzzer does.
//!
//! The inputs cover what libFuzzer's search reached, and hold each that once failed. `fuzz/run` finds more of them.

use std::path::PathBuf;

use crate::world::root;

#[path = "../../fuzz/src/script.rs"]
#[expect(unreachable_pub, reason = "the fuzzer's own crate makes it public")]
mod script;
#[path = "../../fuzz/src/spec.rs"]
#[expect(unreachable_pub, reason = "the fuzzer's own crate makes it public")]
mod spec;

/// Does something with each input of a target; says which one, should it fail.
fn each(target: &str, mut check: impl FnMut(&[u8])) {
    let folder = root().join("fuzz/corpus").join(target);
    let mut paths: Vec<PathBuf> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    assert!(paths.len() > 20, "the corpus of `{target}` is not there");
    for path in paths {
        println!("{}", path.display());
        check(&std::fs::read(&path).unwrap());
    }
}

#[test]
fn specs_of_the_corpus_do_no_harm() {
    let mut target = spec::Target::new(&root().join("fuzz/project"));
    each("spec", |bytes| target.check(bytes));
}

#[test]
fn scripts_of_the_corpus_do_no_harm() {
    let target = script::Target::new();
    each("script", |bytes| target.check(bytes));
}
