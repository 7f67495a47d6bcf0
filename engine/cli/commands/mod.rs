//! The verbs, one file each.

pub(crate) mod adopt;
pub(crate) mod baseline;
pub(crate) mod cancel;
pub(crate) mod demo;
pub(crate) mod detect;
pub(crate) mod drift;
pub(crate) mod explain;
pub(crate) mod graph;
pub(crate) mod infer;
pub(crate) mod init;
pub(crate) mod pause;
pub(crate) mod preview;
pub(crate) mod quarantine;
pub(crate) mod resume;
pub(crate) mod run;
pub(crate) mod schema;
pub(crate) mod status;
pub(crate) mod test;
pub(crate) mod validate;
pub(crate) mod verify;
