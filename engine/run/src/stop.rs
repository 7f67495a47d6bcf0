//! Who is to stop, and how.
//!
//! Anyone may ask at any time; what is asked is looked at between units, so that what is in hand commits or is never begun, and while a unit that
//! is not in waits to be tried again.

use std::collections::BTreeMap;
use std::sync::Arc;

use tokio::sync::watch;
use transload_model::{Code, Diagnostic, EntityName, Patience, Requests, Wish};

/// How a run, or an entity of it, is to stop. The later ones outrank those before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Halt {
    /// The process was told to end. The next run goes on.
    Interrupted,
    /// The run's view of its sources is too old. The next run goes on.
    Expired,
    /// The run's time is over. The next run goes on.
    TimedOut,
    /// Someone wants it to wait. It goes on when someone says so.
    Paused,
    /// For good.
    Cancelled,
}

impl Halt {
    fn of(wish: Wish) -> Self {
        match wish {
            Wish::Pause => Self::Paused,
            Wish::Cancel => Self::Cancelled,
        }
    }

    fn code(self) -> Code {
        match self {
            Self::Interrupted => Code::Interrupted,
            Self::Expired => Code::SnapshotExpired,
            Self::TimedOut => Code::TimedOut,
            Self::Paused => Code::Paused,
            Self::Cancelled => Code::Cancelled,
        }
    }

    /// What is said of an entity that stops.
    pub(crate) fn problem(self, entity: &EntityName) -> Box<Diagnostic> {
        let what = match self {
            Self::Interrupted => "stopped on request",
            Self::Expired => "stopped, because what it sees of the source is too old",
            Self::TimedOut => "stopped, because the run's time is over",
            Self::Paused => "was paused",
            Self::Cancelled => "was cancelled",
        };
        self.told(format!("`{entity}` {what}"))
    }

    /// What is said of an entity that does not start because it, or the run, or one that it waits for was stopped.
    pub(crate) fn before_start(self, entity: &EntityName) -> Box<Diagnostic> {
        let why = match self {
            Self::Interrupted => "the run was asked to stop",
            Self::Expired => "what the run sees of the source is too old",
            Self::TimedOut => "the run's time is over",
            Self::Paused => "it, or an entity that it waits for, is paused",
            Self::Cancelled => "it was cancelled",
        };
        self.told(format!("`{entity}` did not start, because {why}"))
    }

    fn told(self, headline: String) -> Box<Diagnostic> {
        let help = match self {
            Self::Interrupted => "`transload run` goes on from here",
            _ => self.code().info().remedy,
        };
        Box::new(Diagnostic::new(self.code(), headline).help(help))
    }
}

/// Whether a problem only says that someone asked to stop.
pub(crate) fn is_halt(code: Code) -> bool {
    [Halt::Interrupted, Halt::Expired, Halt::TimedOut, Halt::Paused, Halt::Cancelled]
        .iter()
        .any(|halt| halt.code() == code)
}

/// What was asked so far.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Asked {
    run: Option<Halt>,
    entities: BTreeMap<EntityName, Halt>,
}

/// Asks a run, or entities of it, to stop after what they have in hand. It can be cloned and kept.
#[derive(Debug, Clone, Default)]
pub struct Stop(Arc<watch::Sender<Asked>>);

impl Stop {
    /// Asks the run to stop. What outranks this stays.
    pub fn ask(&self, halt: Halt) {
        self.0.send_if_modified(|asked| {
            let before = asked.run;
            asked.run = before.max(Some(halt));
            asked.run != before
        });
    }

    /// Takes over what people ask of the run, and what they do not ask any more of entities.
    pub(crate) fn follow(&self, requests: &Requests) {
        if let Some(wish) = requests.run {
            self.ask(Halt::of(wish));
        }
        let entities = requests.entities.iter().map(|(entity, wish)| (entity.clone(), Halt::of(*wish))).collect();
        self.0.send_if_modified(|asked| {
            let is_new = asked.entities != entities;
            asked.entities = entities;
            is_new
        });
    }

    /// How the run itself is to stop.
    pub(crate) fn of_run(&self) -> Option<Halt> {
        self.0.borrow().run
    }

    /// How an entity is to stop, by itself or with its run.
    pub(crate) fn of(&self, entity: &EntityName) -> Option<Halt> {
        let asked = self.0.borrow();
        asked.run.max(asked.entities.get(entity).copied())
    }

    /// Patience for a unit of an entity, until the entity is to stop.
    pub(crate) fn patience(&self, entity: &EntityName) -> Patience {
        let (stop, entity) = (self.clone(), entity.clone());
        Patience::new(move || stop.of(&entity).map_or(Ok(()), |halt| Err(halt.problem(&entity))))
    }

    /// Tells when something else is asked than before.
    pub(crate) fn changes(&self) -> Changes {
        Changes(self.0.subscribe())
    }
}

/// Waits for what is asked.
pub(crate) struct Changes(watch::Receiver<Asked>);

impl Changes {
    /// Returns when something else is asked than the last time.
    pub(crate) async fn next(&mut self) {
        if self.0.changed().await.is_err() {
            // Nobody is left who could ask.
            std::future::pending::<()>().await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(text: &str) -> EntityName {
        EntityName::parse(text).unwrap()
    }

    fn requests(run: Option<Wish>, entities: &[(&str, Wish)]) -> Requests {
        Requests { run, entities: entities.iter().map(|(entity, wish)| (name(entity), *wish)).collect() }
    }

    #[test]
    fn what_outranks_stays() {
        let stop = Stop::default();
        for (halt, expected) in [
            (Halt::Interrupted, Halt::Interrupted),
            (Halt::Cancelled, Halt::Cancelled),
            (Halt::Paused, Halt::Cancelled),
        ] {
            stop.ask(halt);
            assert_eq!(stop.of_run(), Some(expected));
        }
    }

    #[test]
    fn an_entity_stops_by_itself_and_with_its_run() {
        let stop = Stop::default();
        stop.follow(&requests(None, &[("patients", Wish::Pause)]));
        assert_eq!(
            (stop.of(&name("patients")), stop.of(&name("orders")), stop.of_run()),
            (Some(Halt::Paused), None, None)
        );

        stop.follow(&requests(None, &[("orders", Wish::Cancel)]));
        assert_eq!((stop.of(&name("patients")), stop.of(&name("orders"))), (None, Some(Halt::Cancelled)));

        stop.follow(&requests(Some(Wish::Pause), &[]));
        assert_eq!((stop.of(&name("patients")), stop.of_run()), (Some(Halt::Paused), Some(Halt::Paused)));
        // A run that began to stop stops, whatever is asked afterwards.
        stop.follow(&requests(None, &[]));
        assert_eq!(stop.of_run(), Some(Halt::Paused));
    }

    #[tokio::test]
    async fn a_change_is_told_once() {
        let stop = Stop::default();
        let mut changes = stop.changes();
        let asked = requests(None, &[("patients", Wish::Pause)]);
        stop.follow(&asked);
        changes.next().await;
        stop.follow(&asked);
        let again = tokio::time::timeout(std::time::Duration::from_millis(20), changes.next()).await;
        assert!(again.is_err(), "nothing else is asked");
    }
}
