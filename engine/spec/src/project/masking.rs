//! `masking`: the key of masks.
//!
//! Only an environment in which something is masked needs it. So what is wrong with it is kept until someone asks for it: production has no
//! masks and should not have the key either. The key itself never stands in the file, and no message shows it.

use std::collections::BTreeMap;

use serde_json::Value;
use transload_model::{Code, Diagnostic, MaskKey};

use crate::decode::{Reader, language};
use crate::problems::{Problems, problem};
use crate::project::interpolation;
use crate::yaml::{Entry, Kind};

/// The key of masks, as far as the project has one.
#[derive(Debug, Clone)]
pub(crate) enum Masking {
    /// The project says nothing of it.
    Unsaid,
    /// It says where the key is, and there is none.
    Missing(Box<Diagnostic>),
    /// It has one.
    Key(MaskKey),
}

/// Reads `masking`, whose variables are not replaced yet.
pub(crate) fn masking(
    reader: &mut Reader<'_>,
    mut entry: Entry,
    environment: &dyn Fn(&str) -> Option<String>,
    vars: &BTreeMap<String, Value>,
) -> Masking {
    let mut later = Problems::default();
    interpolation::with_variables(
        &mut Reader { file: reader.file, problems: &mut later },
        &mut entry.value,
        environment,
        vars,
    );
    let found = later.finish();
    if let Some(missing) = found.iter().find(|found| found.code == Code::VariableMissing) {
        return Masking::Missing(Box::new(missing.clone()));
    }
    found.into_iter().for_each(|found| reader.problems.push(found));
    read(reader, &entry).unwrap_or(Masking::Unsaid)
}

fn read(reader: &mut Reader<'_>, entry: &Entry) -> Option<Masking> {
    let map = reader.map(&entry.value, &language::MASKING)?;
    if !reader.require(&map, &["key"], language::MASKING.what) {
        return None;
    }
    let entry = map.get("key")?;
    let text = reader.text(&entry.value, "`masking.key`")?;
    if !matches!(&entry.value.kind, Kind::Scalar(scalar) if scalar.is_given) {
        let headline = "the key of masks stands in the file";
        let found = problem(Code::SpecSecret, headline, &reader.key_place(entry), "this key");
        let found = found.note("whoever has it can find out what is masked");
        let help = "write `key: \"${MASK_KEY:?}\"`, set that variable, and take another secret than this one";
        reader.problems.push(found.help(help));
        return None;
    }
    Some(match MaskKey::new(&text.value) {
        Ok(key) => Masking::Key(key),
        Err(weak) => {
            let headline = format!("the key of masks could be guessed: {weak}");
            let found = problem(Code::MaskKeyMissing, headline, &text.place, "what this variable holds");
            Masking::Missing(Box::new(found.help("set it to what `openssl rand -base64 32` prints")))
        }
    })
}
