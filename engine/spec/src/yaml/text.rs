//! Bytes of a file as text.
//!
//! A file is UTF-8 or it is refused with the first byte that is not: guessing an encoding would change names without a word.

use std::sync::Arc;

use transload_model::{Code, Diagnostic, Result, SourceFile};

/// The file's text, without a byte-order mark.
pub(crate) fn source_file(path: &str, bytes: &[u8]) -> Result<Arc<SourceFile>> {
    let kept = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes);
    match std::str::from_utf8(kept) {
        Ok(text) => Ok(Arc::new(SourceFile::new(path, text))),
        Err(error) => Err(Box::new(not_utf8(path, kept, bytes.len() - kept.len(), error.valid_up_to()))),
    }
}

fn not_utf8(path: &str, kept: &[u8], mark: usize, valid: usize) -> Diagnostic {
    let shown = Arc::new(SourceFile::new(path, String::from_utf8_lossy(kept)));
    let byte = kept.get(valid).copied().unwrap_or_default();
    let problem = Diagnostic::new(Code::SpecEncoding, format!("file `{path}` is not UTF-8")).label(
        &shown,
        valid..valid + char::REPLACEMENT_CHARACTER.len_utf8(),
        format!("byte {} is {byte:#04X}", mark + valid),
    );
    match kept {
        [0xFF, 0xFE, ..] | [0xFE, 0xFF, ..] => problem.note("it looks like UTF-16").help("save it as UTF-8"),
        _ => problem.help("save it as UTF-8"),
    }
}
