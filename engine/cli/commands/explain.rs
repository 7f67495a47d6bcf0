//! `explain`: the page of a code or of a function.

use std::fmt::Write;

use serde_json::{Value, json};
use transload_model::{Code, Diagnostic, Exit, nearest};
use transload_transform::{FunctionPage, Functions};

use crate::cli::args::{Explain, Format};
use crate::cli::failure::Failure;
use crate::cli::render::{Screen, pretty};

pub(crate) fn run(explain: &Explain, screen: &Screen) -> Result<Exit, Failure> {
    let functions = Functions::new(&[])?;
    let pages = functions.pages();
    let is_json = screen.format == Format::Json;
    let Some(what) = &explain.what else {
        screen.answer(&if is_json { pretty(&all(&pages)) } else { list(&pages) });
        return Ok(Exit::Done);
    };
    if let Some(code) = Code::find(what) {
        screen.answer(&if is_json { pretty(&code_json(code)) } else { code_page(code) });
    } else if let Some(page) = pages.iter().find(|page| page.name == *what) {
        let text = format!("{}\n\n{}", page.name, page.text);
        screen.answer(&if is_json { pretty(&function_json(page)) } else { text });
    } else {
        return Err(unknown(what, &pages).into());
    }
    Ok(Exit::Done)
}

fn code_page(code: Code) -> String {
    let info = code.info();
    let (category, retry) = (info.retry.category(), info.retry.sentence());
    format!(
        "{}   {}\n\n{}\n\nWhat to do: {}\n\nCategory: {category}.\nTrying again: {retry}.\nExit code {} where it ends the command, HTTP {} in the API.",
        info.number, info.word, info.sentence, info.remedy, info.exit as i32, info.http
    )
}

fn code_json(code: Code) -> Value {
    let info = code.info();
    json!({
        "schema": "transload.explain/1",
        "number": info.number,
        "code": info.word,
        "sentence": info.sentence,
        "remedy": info.remedy,
        "category": info.retry.category(),
        "trying_again": info.retry.sentence(),
        "exit_code": info.exit as i32,
        "http": info.http,
    })
}

fn function_json(page: &FunctionPage) -> Value {
    json!({ "schema": "transload.explain/1", "function": page.name, "summary": page.summary, "text": page.text })
}

fn all(pages: &[FunctionPage]) -> Value {
    let codes: Vec<Value> = Code::ALL.iter().map(|code| code_json(*code)).collect();
    let functions: Vec<Value> = pages.iter().map(function_json).collect();
    json!({ "schema": "transload.explain_all/1", "codes": codes, "functions": functions })
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
