//! Checkpoints and statuses follow what is stored of runs and entities.

use chrono::TimeDelta;
use transload_model::{EntityState, Performance, RunState};

use super::{Place, entity, run, unit};

pub(crate) async fn a_checkpoint_follows_its_entity(place: &dyn Place) {
    use EntityState::{Done, Failed, Loaded, Moving, Waiting};
    let (store, run) = (place.open().await, run(1));
    store.put_run(&run).await.unwrap();
    let cases = [
        (Waiting, 0, None, "created 0 - -"),
        (Moving, 0, None, "active 0 - -"),
        (Moving, 4, unit(0, 7), "active 4 7 6"),
        (Failed, 4, None, "suspended 4 7 6"),
        // The run goes on: what it says before the next unit is not counted yet.
        (Waiting, 0, None, "suspended 4 7 6"),
        (Moving, 0, None, "active 4 7 6"),
        (Moving, 8, unit(0, 8), "active 8 8 2"),
        (Loaded, 11, None, "active 11 8 0"),
        (Done, 11, None, "completed 11 8 0"),
        (Waiting, 0, None, "completed 11 8 0"),
    ];
    for (state, read, unit, expected) in cases {
        let mut record = entity("patients", state, read);
        (record.source_rows, record.unit) = (Some(10), unit);
        store.put_entity(run.id, &record).await.unwrap();
        let sql = "select status || ' ' || records_processed || ' ' || coalesce(cast(batch_position as text), '-') || ' ' || \
                   case when batch_position is null then '-' else cast(records_remaining as text) end from migration_checkpoints";
        // Before the first unit nothing was counted, so nothing remains of anything either.
        assert_eq!(place.texts(sql).await, [expected], "{state:?}");
    }
}

pub(crate) async fn units_leave_a_history(place: &dyn Place) {
    let (store, run) = (place.open().await, run(1));
    store.put_run(&run).await.unwrap();
    for (read, unit) in [(2, unit(1, 1)), (4, unit(2, 1)), (6, unit(1, 2)), (6, unit(1, 2)), (6, None)] {
        let mut record = entity("patients", EntityState::Moving, read);
        record.unit = unit;
        store.put_entity(run.id, &record).await.unwrap();
    }
    let sql =
        "select stream || '/' || unit || ' ' || records_processed from workflow_checkpoints order by records_processed";
    assert_eq!(place.texts(sql).await, ["1/1 2", "2/1 4", "1/2 6"]);
    let sql = "select checkpoint_data -> 'counts' ->> 'read' from migration_checkpoints";
    assert_eq!(place.text(sql).await, "6");
}

const LISTS: [&str; 4] = ["entities_pending", "entities_running", "entities_completed", "entities_failed"];

pub(crate) async fn the_status_follows_its_run(place: &dyn Place) {
    use EntityState::{Done, Failed, Loaded, Moving, Suspended, Waiting};
    let (store, mut run) = (place.open().await, run(1));
    store.put_run(&run).await.unwrap();
    for (name, state) in [("f", Waiting), ("e", Suspended), ("d", Moving), ("c", Loaded), ("b", Done), ("a", Failed)] {
        let mut record = entity(name, state, 5);
        record.counts.quarantined = 1;
        record.reason = (state == Failed).then(|| "TL0423: full".to_owned());
        store.put_entity(run.id, &record).await.unwrap();
    }
    for (list, expected) in LISTS.iter().zip([&["f", "e"][..], &["d", "c"], &["b"], &["a"]]) {
        let sql = format!("select {list} from migration_status_tracking");
        assert_eq!(place.text(&sql).await, place.list(expected), "{list}");
    }

    (run.state, run.reason) = (RunState::Failed, Some("TL0423: full".to_owned()));
    run.ended_at = Some(run.started_at + TimeDelta::seconds(10));
    run.performance = Some(Performance { elapsed_ms: 10_000, ..Performance::default() });
    store.put_run(&run).await.unwrap();

    let sql = "select overall_status || ' ' || total_records_processed || ' ' || (error_summary ->> 'reason') || ' ' || \
               (error_summary -> 'entities' ->> 'a') || ' ' || (error_summary ->> 'records_in_quarantine') || ' ' || \
               (performance_metrics ->> 'elapsed_ms') from migration_status_tracking where completed_at is not null";
    assert_eq!(place.texts(sql).await, ["failed 30 TL0423: full TL0423: full 6 10000"]);
}

pub(crate) async fn what_remains_is_unknown_until_all_sources_told(place: &dyn Place) {
    let (store, run) = (place.open().await, run(1));
    store.put_run(&run).await.unwrap();
    let remaining = "select total_records_remaining from migration_status_tracking";
    for name in ["patients", "doctors"] {
        store.put_entity(run.id, &entity(name, EntityState::Waiting, 0)).await.unwrap();
    }
    assert_eq!(place.text(remaining).await, "-");
    for (name, rows) in [("patients", 100), ("doctors", 3)] {
        assert_eq!(place.text(remaining).await, "-");
        let mut record = entity(name, EntityState::Moving, 25);
        record.source_rows = Some(rows);
        store.put_entity(run.id, &record).await.unwrap();
    }
    // Doctors came along meanwhile: an estimate that was passed leaves nothing.
    assert_eq!(place.text(remaining).await, "75");
    let later = "select count(*) from migration_status_tracking where estimated_completion > updated_at";
    assert_eq!(place.text(later).await, "1");
    for name in ["patients", "doctors"] {
        store.put_entity(run.id, &entity(name, EntityState::Done, 100)).await.unwrap();
    }
    assert_eq!(place.text(remaining).await, "0");
    assert_eq!(place.text("select estimated_completion from migration_status_tracking").await, "-");
}
