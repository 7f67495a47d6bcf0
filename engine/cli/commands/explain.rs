//! `explain`: the page of a code or of a function.

use std::fmt::Write;

use transload_model::{Code, Diagnostic, Exit, nearest};
use transload_transform::{FunctionPage, Functions};

use crate::cli::args::Explain;
use crate::cli::failure::Failure;
use crate::cli::render::Screen;

pub(crate) fn run(explain: &Explain, screen: &Screen) -> Result<Exit, Failure> {
    let functions = Functions::new(&[])?;
    let pages = functions.pages();
    let Some(what) = &explain.what else {
        screen.answer(&list(&pages));
        return Ok(Exit::Done);
    };
    if let Some(code) = Code::find(what) {
        screen.answer(&code_page(code));
    } else if let Some(page) = pages.iter().find(|page| page.name == *what) {
        screen.answer(&format!("{}\n\n{}", page.name, page.text));
    } else {
        return Err(unknown(what, &pages).into());
    }
    Ok(Exit::Done)
}

fn code_page(code: Code) -> String {
    let info = code.info();
    let retry = match info.retry {
        transload_model::Retry::Never => "not before something changed",
        transload_model::Retry::Backoff => "the same may work later",
        transload_model::Retry::WhenRowMoves => {
            "the row is tried again when it, its spec, or the parent or value that it misses changed, or by `run --retry-quarantined`"
        }
    };
    format!(
        "{}   {}\n\n{}\n\nWhat to do: {}\n\nTrying again: {retry}.\nExit code {} where it ends the command, HTTP {} in the API.",
        info.number, info.word, info.sentence, info.remedy, info.exit as i32, info.http
    )
}

fn list(pages: &[FunctionPage]) -> String {
    let mut text = String::new();
    for code in Code::ALL {
        let info = code.info();
        let _ = writeln!(text, "{}  {:<28} {}", info.number, info.word, info.sentence);
    }
    text.push('\n');
    for page in pages {
        let _ = writeln!(text, "{:<20} {}", page.name, page.summary);
    }
    text
}

fn unknown(what: &str, pages: &[FunctionPage]) -> Diagnostic {
    let problem = Diagnostic::new(Code::UnknownCode, format!("nothing is called `{what}`"));
    let words = Code::ALL.iter().flat_map(|code| [code.info().number, code.info().word]);
    let names = pages.iter().map(|page| page.name.as_str());
    match nearest(what, words.chain(names)) {
        Some(near) => problem.help(format!("did you mean `{near}`?")),
        None => problem.help(Code::UnknownCode.info().remedy),
    }
}
