//! `quarantine list` and `quarantine show`: what is known of the rows that were set aside.

use serde_json::{Value, json};
use transload_model::{Exit, HeldRow};

use crate::cli::args::{Format, QuarantineShow};
use crate::cli::failure::Failure;
use crate::cli::render::{Screen, pretty};
use crate::cli::summary::table;
use crate::cli::text::rows;
use crate::cli::wiring::Chosen;

use super::held::Held;
use super::visible;

pub(super) async fn list(chosen: &Chosen, wanted: Option<&str>, screen: &Screen) -> Result<Exit, Failure> {
    let held = Held::open(chosen).await?.rows(wanted)?;
    match screen.format {
        Format::Json => {
            let held: Vec<Value> = held.iter().map(as_json).collect();
            screen.answer(&pretty(&json!({ "schema": "transload.quarantine/1", "rows": held })));
        }
        _ if held.is_empty() => screen.say("no row is in quarantine"),
        _ => {
            let header = ["entity", "key", "status", "stage", "code", "field", "reason"];
            screen.answer(&table(&header, held.iter().map(line).collect(), 7));
            tell_what_follows(&held, screen);
        }
    }
    Ok(Exit::Done)
}

fn tell_what_follows(held: &[HeldRow], screen: &Screen) {
    let discarded = held.iter().filter(|held| held.discarded.is_some()).count() as u64;
    let open = held.len() as u64 - discarded;
    if open > 0 {
        screen.hint(&format!(
            "\n{}: each is tried again when it changes at the source, when its spec changes, or when what it misses arrives; all of them by `transload quarantine retry`",
            rows(open)
        ));
    }
    if discarded > 0 {
        let between = if open > 0 { "" } else { "\n" };
        screen.hint(&format!(
            "{between}{}: discarded, and tried again only when changed at the source, or named by `transload quarantine retry ENTITY --key KEY`",
            rows(discarded)
        ));
    }
}

pub(super) async fn row(chosen: &Chosen, show: &QuarantineShow, screen: &Screen) -> Result<Exit, Failure> {
    let held = &Held::open(chosen).await?.row(&show.entity, &show.key)?;
    if screen.format == Format::Json {
        let mut document = as_json(held);
        let info = held.row.code.info();
        document["schema"] = "transload.quarantine_row/1".into();
        document["sentence"] = info.sentence.into();
        document["remedy"] = info.remedy.into();
        document["trying_again"] = tried_again(held).into();
        screen.answer(&pretty(&document));
    } else {
        screen.answer(&page(held));
    }
    Ok(Exit::Done)
}

/// Everything that is known of one row, and what the page of its code says.
fn page(held: &HeldRow) -> String {
    let (row, info) = (&held.row, held.row.code.info());
    let moment = |at: &chrono::DateTime<chrono::Utc>| at.format("%Y-%m-%d %H:%M:%S UTC").to_string();
    let mut lines = vec![
        ("status", held.status().to_owned()),
        ("stage", row.stage.as_str().to_owned()),
        ("code", format!("{}   {}", info.number, info.word)),
        ("category", info.retry.category().to_owned()),
    ];
    lines.extend(row.field.as_ref().map(|field| ("field", field.to_string())));
    lines.extend([
        ("reason", row.message.clone()),
        ("tried", times(held.attempts)),
        ("first", moment(&held.first_at)),
        ("last", moment(&held.last_at)),
        ("run", row.run.to_string()),
    ]);
    if let Some(decision) = &held.discarded {
        lines.extend([
            ("discarded", moment(&decision.at)),
            ("by", decision.by.clone()),
            ("because", decision.reason.clone()),
        ]);
    }
    let lines: Vec<String> = lines.iter().map(|(name, text)| format!("{name:<10} {text}")).collect();
    format!(
        "{} {}\n\n{}\n\n{}\n\nWhat to do: {}\n\nTrying again: {}.",
        row.entity,
        visible(&row.key.text()),
        lines.join("\n"),
        info.sentence,
        info.remedy,
        tried_again(held)
    )
}

/// When the row is tried again.
fn tried_again(held: &HeldRow) -> &'static str {
    match held.discarded {
        Some(_) => {
            "it is discarded: only when it changes at the source, or by `transload quarantine retry ENTITY --key KEY`"
        }
        None => held.row.code.info().retry.sentence(),
    }
}

fn times(attempts: u64) -> String {
    if attempts == 1 { "once".to_owned() } else { format!("{attempts} times") }
}

fn line(held: &HeldRow) -> Vec<String> {
    let row = &held.row;
    let field = row.field.as_ref().map(ToString::to_string).unwrap_or_default();
    let word = row.code.info().word.to_owned();
    let reason = match &held.discarded {
        Some(decision) => format!("{} (discarded: {})", row.message, decision.reason),
        None => row.message.clone(),
    };
    let (entity, status) = (row.entity.to_string(), held.status().to_owned());
    vec![entity, visible(&row.key.text()).into_owned(), status, row.stage.as_str().to_owned(), word, field, reason]
}

fn as_json(held: &HeldRow) -> Value {
    let row = &held.row;
    json!({
        "entity_type": row.entity,
        "source_key": row.key.text(),
        "status": held.status(),
        "stage": row.stage,
        "code": row.code,
        "number": row.code.info().number,
        "category": row.code.info().retry.category(),
        "field": row.field,
        "message": row.message,
        "run_id": row.run,
        "attempts": held.attempts,
        "first_tried_at": held.first_at.to_rfc3339(),
        "last_tried_at": held.last_at.to_rfc3339(),
        "decision": held.discarded.as_ref().map(|decision| json!({
            "reason": decision.reason,
            "by": decision.by,
            "at": decision.at.to_rfc3339(),
        })),
    })
}
