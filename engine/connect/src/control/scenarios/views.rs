//! What SQL users may ask.

use chrono::TimeDelta;
use transload_model::{EntityState, RunState};

use super::{Place, entity, run, unit};

fn analysis(place: &dyn Place, entity: &str, at: &str, source: u32) -> String {
    let (new, modified) = (place.list(&["1", "2"]), place.list(&["3"]));
    format!(
        "insert into differential_analysis_results (entity_type, analysis_timestamp, source_record_count, \
         destination_record_count, new_records, modified_records, deleted_records) \
         values ('{entity}', '{at}', {source}, 0, '{new}', '{modified}', '{new}')"
    )
}

pub(crate) async fn analyses_are_summed_up(place: &dyn Place) {
    let store = place.open().await;
    place.execute(&analysis(place, "a", "2025-01-01T00:00:00Z", 40)).await.unwrap();
    place.execute(&analysis(place, "b", "2025-01-01T00:00:00Z", 0)).await.unwrap();
    let sql = "select new_count || ' ' || modified_count || ' ' || deleted_count || ' ' || total_changes || ' ' || \
               coalesce(cast(cast(change_percentage as real) as text), '-') from analysis_summary order by entity_type";
    assert_eq!(place.texts(sql).await, ["2 1 2 3 7.5", "2 1 2 3 -"]);
    drop(store);
}

pub(crate) async fn runs_are_listed(place: &dyn Place) {
    let store = place.open().await;
    for (started, state) in [(1, RunState::Running), (2, RunState::Completed), (3, RunState::Failed)] {
        let mut run = run(started);
        run.state = state;
        run.ended_at = (state != RunState::Running).then(|| run.started_at + TimeDelta::milliseconds(1500));
        run.reason = (state == RunState::Failed).then(|| "why".to_owned());
        store.put_run(&run).await.unwrap();
    }
    let sql = "select status || ' ' || coalesce(cast(round(cast(total_duration as numeric), 1) as text), '-') || ' ' || \
               case when success then 'good' when not success then 'bad' else '-' end || ' ' || coalesce(error_message, '-') \
               from run_overview order by id";
    assert_eq!(place.texts(sql).await, ["running - - -", "completed 1.5 good -", "failed 1.5 bad why"]);
}

pub(crate) async fn progress_is_told(place: &dyn Place) {
    let (store, run) = (place.open().await, run(1));
    store.put_run(&run).await.unwrap();
    let progress = "select status || ' ' || entities_completed || '/' || entities || ' ' || records_processed || ' ' || \
                    coalesce(cast(cast(progress_percentage as real) as text), '-') from run_progress";
    let mut patients = entity("patients", EntityState::Moving, 30);
    store.put_entity(run.id, &entity("doctors", EntityState::Done, 10)).await.unwrap();
    store.put_entity(run.id, &patients).await.unwrap();
    assert_eq!(place.text(progress).await, "running 1/2 40 -");
    patients.source_rows = Some(70);
    store.put_entity(run.id, &patients).await.unwrap();
    assert_eq!(place.text(progress).await.trim_end_matches(".0"), "running 1/2 40 50");
}

pub(crate) async fn rows_are_kept_for_their_time(place: &dyn Place) {
    let store = place.open().await;
    for (started, state) in [(1, RunState::Completed), (2, RunState::Failed)] {
        let mut run = run(started);
        (run.state, run.ended_at) = (state, Some(run.started_at));
        store.put_run(&run).await.unwrap();
        let mut record = entity("patients", EntityState::Done, 5);
        record.unit = unit(0, 1);
        store.put_entity(run.id, &record).await.unwrap();
    }
    place.execute(&analysis(place, "a", "2025-01-01T00:00:00Z", 40)).await.unwrap();
    let log = "insert into migration_execution_logs (migration_session_id, entity_type, operation_type, log_level, message, \
               timestamp) values ('00000000-0000-7000-8000-000000000002', 'a', 'validation', 'info', 'text', \
               '2025-01-01T00:00:00Z')";
    place.execute(log).await.unwrap();
    let sql =
        "select table_name || ' ' || substr(cast(expires_at as text), 1, 10) from retained_rows order by table_name";
    let expected = [
        "differential_analysis_results 2025-01-31",
        "migration_checkpoints 2025-01-31",
        "migration_execution_logs 2025-04-01",
        "workflow_checkpoints 2025-01-31",
    ];
    assert_eq!(place.texts(sql).await, expected);
}
