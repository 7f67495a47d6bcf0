//! Progress: bars on a terminal, a heartbeat line elsewhere.
//!
//! The heartbeat comes from a timer and not from rows, so that a run that hangs can be told from a run that is silent.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use indicatif::{MultiProgress, ProgressBar, ProgressState, ProgressStyle};
use transload_model::{Clock, Counts, EntityName};
use transload_run::{Event, EventSink};

use super::args::Progress;
use super::render::{Screen, Signs, heartbeat};
use super::text::{duration, number, rate};

const HEARTBEAT: Duration = Duration::from_secs(10);

/// What shows progress in the way that was asked for, if any does.
pub(crate) fn listener(screen: &Screen, heartbeat: &Arc<Heartbeat>) -> Option<Box<dyn EventSink>> {
    match screen.progress {
        Progress::Bar => Some(Box::new(Bars::new(screen.signs()))),
        Progress::Plain => Some(Box::new(Ears(Arc::clone(heartbeat)))),
        Progress::Auto | Progress::None => None,
    }
}

/// Bars, one for each entity at work.
pub(crate) struct Bars {
    all: MultiProgress,
    signs: Signs,
    bars: Mutex<BTreeMap<EntityName, ProgressBar>>,
}

impl Bars {
    pub(crate) fn new(signs: Signs) -> Self {
        Self { all: MultiProgress::new(), signs, bars: Mutex::new(BTreeMap::new()) }
    }

    fn begin(&self, entity: &EntityName, rows: Option<u64>) {
        let bar = self.all.add(ProgressBar::new(rows.unwrap_or(0)));
        let style = ProgressStyle::with_template(
            "{prefix:<18} {bar:24} {percent:>3}%  {human_pos}/{human_len}  {rate}  eta {eta}  {msg}",
        );
        if let Ok(style) = style {
            bar.set_style(style.with_key("rate", write_rate).progress_chars(self.signs.bar));
        }
        bar.set_prefix(entity.to_string());
        self.bars.lock().unwrap_or_else(PoisonError::into_inner).insert(entity.clone(), bar);
    }

    fn with(&self, entity: &EntityName, act: impl FnOnce(&ProgressBar)) {
        if let Some(bar) = self.bars.lock().unwrap_or_else(PoisonError::into_inner).get(entity) {
            act(bar);
        }
    }
}

impl EventSink for Bars {
    fn emit(&self, event: &Event) {
        match event {
            Event::EntityStarted { entity, rows } => self.begin(entity, *rows),
            Event::Progress { entity, counts } | Event::UnitCommitted { entity, counts, .. } => {
                self.with(entity, |bar| {
                    bar.set_position(counts.read);
                    if counts.quarantined > 0 {
                        bar.set_message(format!("! {}", number(counts.quarantined)));
                    }
                });
            }
            Event::EntityLoaded { entity, counts, elapsed_ms } => {
                self.with(entity, ProgressBar::finish_and_clear);
                let line = format!("{} {}", self.signs.done, loaded(entity, counts, *elapsed_ms));
                drop(self.all.println(line));
            }
            Event::EntityFailed { entity, .. } | Event::EntitySuspended { entity, .. } => {
                self.with(entity, ProgressBar::finish_and_clear);
            }
            Event::RunStarted { .. } | Event::EntityCompleted { .. } => {}
            Event::RunCompleted { .. } => drop(self.all.clear()),
        }
    }
}

fn write_rate(state: &ProgressState, out: &mut dyn Write) {
    let ms = u64::try_from(state.elapsed().as_millis()).unwrap_or(u64::MAX);
    let _ = write!(out, "{} rows/s", number(rate(state.pos(), ms)));
}

fn loaded(entity: &EntityName, counts: &Counts, elapsed_ms: u64) -> String {
    let (read, written) = (number(counts.read), number(counts.written()));
    let set_aside = if counts.quarantined > 0 { format!("   ! {}", number(counts.quarantined)) } else { String::new() };
    let name = entity.as_str();
    format!("{name:<18} {read:>12} read {written:>12} written {:>8}{set_aside}", duration(elapsed_ms))
}

/// What the heartbeat tells of each entity at work.
#[derive(Debug, Clone, Copy)]
struct Beat {
    rows: Option<u64>,
    counts: Counts,
    since: Duration,
}

/// A line every ten seconds for each entity at work.
pub(crate) struct Heartbeat {
    clock: Arc<dyn Clock>,
    beats: Mutex<BTreeMap<EntityName, Beat>>,
}

impl Heartbeat {
    pub(crate) fn new(clock: Arc<dyn Clock>) -> Arc<Self> {
        Arc::new(Self { clock, beats: Mutex::new(BTreeMap::new()) })
    }

    /// Writes lines until it is dropped.
    pub(crate) async fn beat(self: Arc<Self>) {
        let mut timer = tokio::time::interval(HEARTBEAT);
        // Whoever stood still for a while has nothing to say about it.
        timer.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        timer.tick().await;
        loop {
            timer.tick().await;
            heartbeat(&self.lines());
        }
    }

    fn lines(&self) -> Vec<String> {
        let time = self.clock.now().format("%H:%M:%S").to_string();
        let beats = self.beats.lock().unwrap_or_else(PoisonError::into_inner);
        beats.iter().map(|(entity, beat)| self.line(&time, entity, beat)).collect()
    }

    fn line(&self, time: &str, entity: &EntityName, beat: &Beat) -> String {
        let read = beat.counts.read;
        let ms = u64::try_from((self.clock.monotonic() - beat.since).as_millis()).unwrap_or(u64::MAX);
        let speed = rate(read, ms);
        let of = beat.rows.filter(|rows| *rows > 0).map_or_else(String::new, |rows| {
            let left = rows.saturating_sub(read).checked_div(speed).map_or_else(|| "?".to_owned(), |s| s.to_string());
            format!(" / {}  {}%  eta {left}s", number(rows), read.saturating_mul(100) / rows)
        });
        let set_aside = beat.counts.quarantined;
        format!("{time} {entity}  {}{of}  {} rows/s  quarantined {}", number(read), number(speed), number(set_aside))
    }
}

/// The heartbeat's ears.
pub(crate) struct Ears(pub(crate) Arc<Heartbeat>);

impl EventSink for Ears {
    fn emit(&self, event: &Event) {
        let mut beats = self.0.beats.lock().unwrap_or_else(PoisonError::into_inner);
        match event {
            Event::EntityStarted { entity, rows } => {
                let beat = Beat { rows: *rows, counts: Counts::default(), since: self.0.clock.monotonic() };
                beats.insert(entity.clone(), beat);
            }
            Event::Progress { entity, counts } | Event::UnitCommitted { entity, counts, .. } => {
                if let Some(beat) = beats.get_mut(entity) {
                    beat.counts = *counts;
                }
            }
            Event::EntityLoaded { entity, .. }
            | Event::EntityFailed { entity, .. }
            | Event::EntitySuspended { entity, .. } => drop(beats.remove(entity)),
            Event::RunStarted { .. } | Event::EntityCompleted { .. } | Event::RunCompleted { .. } => {}
        }
    }
}
