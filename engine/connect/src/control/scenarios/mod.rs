//! What a control store must do, whatever system keeps it.
//!
//! Each scenario is written once and runs on every system; a system's tests say where its stores are made.

pub(crate) mod detections;
pub(crate) mod follow;
pub(crate) mod put;
pub(crate) mod requests;
pub(crate) mod rules;
pub(crate) mod scripts;
pub(crate) mod views;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, TimeDelta, Utc};
use transload_model::{
    Clock, ControlStore, Counts, EntityName, EntityRecord, EntityState, RunId, RunRecord, RunState, UnitNumber,
};

/// A place for one store, which is not there yet.
#[async_trait]
pub(crate) trait Place: Send + Sync {
    async fn try_open(&self) -> transload_model::Result<Arc<dyn ControlStore>>;

    /// Runs statements; where they are refused, gives the words.
    async fn execute(&self, sql: &str) -> Result<(), String>;

    /// The first column of a query's rows, as text. NULL is `-`.
    async fn texts(&self, sql: &str) -> Vec<String>;

    /// A list of texts, as the system writes it.
    fn list(&self, texts: &[&str]) -> String;

    async fn open(&self) -> Arc<dyn ControlStore> {
        self.try_open().await.unwrap()
    }

    async fn text(&self, sql: &str) -> String {
        self.texts(sql).await.join(" ")
    }
}

/// Makes a test of each scenario; the expression gives a new place.
macro_rules! for_each_scenario {
    ($place:expr) => {
        $crate::control::scenarios::for_each_scenario! {
            @ $place;
            put::runs_and_entities_come_back_as_they_were_put,
            put::what_is_not_known_now_stays,
            put::a_row_that_a_newer_version_wrote_is_passed_over,
            put::an_entity_without_its_run_is_refused,
            put::a_run_at_work_is_alive,
            put::a_missed_step_is_made_up_for,
            put::a_completed_run_does_not_go_on,
            put::an_adopted_run_is_stored_once_and_goes_on,
            detections::a_detection_comes_back_as_it_was_put,
            requests::what_is_asked_comes_back,
            requests::what_is_asked_is_dated,
            follow::a_checkpoint_follows_its_entity,
            follow::units_leave_a_history,
            follow::the_status_follows_its_run,
            follow::what_remains_is_unknown_until_all_sources_told,
            rules::runs_go_where_their_table_says,
            rules::a_status_goes_where_runs_go,
            rules::checkpoints_go_where_their_table_says,
            rules::a_good_row_is_taken,
            rules::what_breaks_a_rule_is_refused,
            rules::one_mapping_of_an_entity_is_active,
            rules::what_changes_is_dated,
            scripts::opening_again_does_nothing,
            scripts::a_newer_store_is_refused,
            scripts::eight_first_opens_make_one_store,
            views::analyses_are_summed_up,
            views::runs_are_listed,
            views::progress_is_told,
            views::rows_are_kept_for_their_time,
        }
    };
    (@ $place:expr; $($file:ident::$name:ident),+ $(,)?) => {
        $(
            #[tokio::test]
            async fn $name() {
                $crate::control::scenarios::$file::$name(&$place).await;
            }
        )+
    };
}

pub(crate) use for_each_scenario;

/// A clock that stands so many seconds after 2025 began.
pub(crate) struct Standing(pub(crate) i64);

impl Clock for Standing {
    fn now(&self) -> DateTime<Utc> {
        DateTime::<Utc>::UNIX_EPOCH + TimeDelta::seconds(1_735_689_600 + self.0)
    }

    fn monotonic(&self) -> Duration {
        Duration::ZERO
    }
}

/// A run that started so many seconds after 2025 began.
pub(crate) fn run(started: i64) -> RunRecord {
    RunRecord {
        id: RunId::generate(&Standing(started)),
        project: "clinic".to_owned(),
        environment: "default".to_owned(),
        state: RunState::Running,
        started_at: Standing(started).now(),
        ended_at: None,
        reason: None,
        counts: Counts { read: 5, new: 3, quarantined: 2, ..Counts::default() },
        performance: None,
        process: std::process::id(),
        alive: true,
        adopted_at: None,
    }
}

/// An entity that is in a state, with so many rows read.
pub(crate) fn entity(name: &str, state: EntityState, read: u64) -> EntityRecord {
    EntityRecord {
        entity: EntityName::parse(name).unwrap(),
        state,
        counts: Counts { read, new: read, ..Counts::default() },
        source_rows: None,
        unit: None,
        elapsed_ms: 12,
        reason: None,
    }
}

pub(crate) fn unit(stream: u32, seq: u64) -> Option<UnitNumber> {
    Some(UnitNumber { stream, seq })
}
