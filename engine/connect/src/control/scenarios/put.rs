//! What is stored comes back.

use chrono::TimeDelta;
use transload_model::{Clock, Code, EntityState, Performance, RunId, RunState};

use super::{Place, Standing, entity, run, unit};

pub(crate) async fn runs_and_entities_come_back_as_they_were_put(place: &dyn Place) {
    let store = place.open().await;
    let (first, mut second) = (run(1), run(2));
    store.put_run(&first).await.unwrap();
    store.put_run(&second).await.unwrap();
    for name in ["patients", "doctors"] {
        store.put_entity(second.id, &entity(name, EntityState::Moving, 1)).await.unwrap();
    }

    second.state = RunState::Failed;
    second.ended_at = Some(second.started_at + TimeDelta::microseconds(1_500_001));
    second.reason = Some("TL0423: the disk is full".to_owned());
    second.counts.read = 9;
    second.performance = Some(Performance { elapsed_ms: 4, detect_ms: 1, transform_ms: 2, load_ms: 3 });
    store.put_run(&second).await.unwrap();
    let mut patients = entity("patients", EntityState::Failed, 7);
    (patients.reason, patients.source_rows, patients.unit) = (Some("why".to_owned()), Some(10), unit(2, 3));
    store.put_entity(second.id, &patients).await.unwrap();
    // The one that stored them stays open, or they would not be alive.
    let (writer, store) = (store, place.open().await);

    assert_eq!(store.runs(10).await.unwrap(), [second.clone(), first]);
    assert_eq!(store.runs(1).await.unwrap(), [second.clone()]);
    let doctors = entity("doctors", EntityState::Moving, 1);
    assert_eq!(store.entities(second.id).await.unwrap(), [patients, doctors]);
    assert_eq!(store.entities(RunId::generate(&Standing(3))).await.unwrap(), []);
    drop(writer);
}

pub(crate) async fn what_is_not_known_now_stays(place: &dyn Place) {
    let (store, run) = (place.open().await, run(1));
    store.put_run(&run).await.unwrap();
    let mut patients = entity("patients", EntityState::Moving, 4);
    (patients.source_rows, patients.unit) = (Some(9), unit(0, 1));
    store.put_entity(run.id, &patients).await.unwrap();

    store.put_entity(run.id, &entity("patients", EntityState::Loaded, 9)).await.unwrap();

    let stored = store.entities(run.id).await.unwrap().remove(0);
    assert_eq!((stored.source_rows, stored.unit), (Some(9), unit(0, 1)));
}

pub(crate) async fn a_row_that_a_newer_version_wrote_is_passed_over(place: &dyn Place) {
    let store = place.open().await;
    let (old, new) = (run(1), run(2));
    store.put_run(&old).await.unwrap();
    store.put_run(&new).await.unwrap();
    place.execute(&format!("update migration_runs set counts = '{{}}' where run_id = '{}'", new.id)).await.unwrap();

    assert_eq!(store.runs(10).await.unwrap(), [old]);
}

pub(crate) async fn an_entity_without_its_run_is_refused(place: &dyn Place) {
    let store = place.open().await;
    let missing = RunId::generate(&Standing(3));
    let problem = store.put_entity(missing, &entity("patients", EntityState::Moving, 1)).await.unwrap_err();
    assert_eq!(problem.code, Code::ControlStore);
    assert!(problem.help.is_some());
    // The store goes on all the same.
    store.put_run(&run(1)).await.unwrap();
}

pub(crate) async fn a_run_at_work_is_alive(place: &dyn Place) {
    let (store, run) = (place.open().await, run(1));
    store.put_run(&run).await.unwrap();
    assert!(place.open().await.runs(1).await.unwrap()[0].alive);
    place.execute("update migration_control set holder = '1@1'").await.unwrap();
    assert!(!store.runs(1).await.unwrap()[0].alive);
    place.execute("update migration_control set holder = null").await.unwrap();
    assert!(!store.runs(1).await.unwrap()[0].alive);
}

pub(crate) async fn a_missed_step_is_made_up_for(place: &dyn Place) {
    let (store, mut run) = (place.open().await, run(1));
    for state in [RunState::Pending, RunState::Completed] {
        run.state = state;
        store.put_run(&run).await.unwrap();
    }
    assert_eq!(store.runs(1).await.unwrap(), [run]);
}

pub(crate) async fn a_completed_run_does_not_go_on(place: &dyn Place) {
    let (store, mut run) = (place.open().await, run(1));
    run.state = RunState::Completed;
    store.put_run(&run).await.unwrap();
    let completed = run.clone();
    run.state = RunState::Running;

    let problem = store.put_run(&run).await.unwrap_err();

    assert_eq!(problem.code, Code::ControlStore);
    assert!(problem.headline.contains("a run"), "{}", problem.headline);
    assert_eq!(store.runs(1).await.unwrap(), [completed]);
}

pub(crate) async fn an_adopted_run_is_stored_once_and_goes_on(place: &dyn Place) {
    let (store, mut adopted) = (place.open().await, run(1));
    (adopted.process, adopted.alive, adopted.adopted_at) = (0, false, Some(Standing(9).now()));
    let mut patients = entity("patients", EntityState::Suspended, 7);
    patients.unit = unit(0, 3);
    let entities = [patients, entity("doctors", EntityState::Waiting, 0)];

    assert!(store.adopt(&adopted, &entities).await.unwrap());

    assert_eq!(store.runs(9).await.unwrap(), [adopted.clone()]);
    assert_eq!(store.entities(adopted.id).await.unwrap(), entities);
    let checkpoints = "select entity_type || ' ' || status || ' ' || coalesce(batch_position, 0) from migration_checkpoints order by 1";
    assert_eq!(place.texts(checkpoints).await, ["doctors created 0", "patients suspended 3"]);

    let mut known = adopted.clone();
    (known.process, known.alive) = (std::process::id(), true);
    store.put_run(&known).await.unwrap();
    (adopted.state, adopted.counts.read) = (RunState::Completed, 99);
    assert!(!store.adopt(&adopted, &[entity("patients", EntityState::Done, 99)]).await.unwrap());
    assert_eq!(store.runs(9).await.unwrap(), [known]);
    assert_eq!(store.entities(adopted.id).await.unwrap(), entities);
}
