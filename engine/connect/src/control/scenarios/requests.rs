//! What is asked of runs and of their entities.

use transload_model::{EntityName, EntityState, Requests, RunId, Wish};

use super::{Place, Standing, entity, run};

fn name(text: &str) -> EntityName {
    EntityName::parse(text).unwrap()
}

fn asked(run: Option<Wish>, entities: &[(&str, Wish)]) -> Requests {
    Requests { run, entities: entities.iter().map(|(entity, wish)| (name(entity), *wish)).collect() }
}

pub(crate) async fn what_is_asked_comes_back(place: &dyn Place) {
    let (store, first, second) = (place.open().await, run(1), run(2));
    for run in [&first, &second] {
        store.put_run(run).await.unwrap();
        store.put_entity(run.id, &entity("patients", EntityState::Moving, 1)).await.unwrap();
    }
    assert_eq!(store.requests(first.id).await.unwrap(), Requests::default());

    for wish in [Wish::Pause, Wish::Cancel, Wish::Cancel] {
        store.request(first.id, None, Some(wish)).await.unwrap();
        assert_eq!(store.requests(first.id).await.unwrap(), asked(Some(wish), &[]));
    }
    for wish in [Wish::Pause, Wish::Pause, Wish::Cancel] {
        store.request(first.id, Some(&name("patients")), Some(wish)).await.unwrap();
        let expected = asked(Some(Wish::Cancel), &[("patients", wish)]);
        assert_eq!(place.open().await.requests(first.id).await.unwrap(), expected);
    }
    // What becomes of the run does not take back what is asked of it.
    store.put_run(&first).await.unwrap();
    assert_eq!(store.requests(first.id).await.unwrap(), asked(Some(Wish::Cancel), &[("patients", Wish::Cancel)]));
    assert_eq!(store.requests(second.id).await.unwrap(), Requests::default(), "another run");

    for _ in 0..2 {
        store.request(first.id, None, None).await.unwrap();
        store.request(first.id, Some(&name("patients")), None).await.unwrap();
        assert_eq!(store.requests(first.id).await.unwrap(), Requests::default());
    }
    // Nobody is there to do it.
    let missing = RunId::generate(&Standing(3));
    store.request(missing, None, Some(Wish::Pause)).await.unwrap();
    assert_eq!(store.requests(missing).await.unwrap(), Requests::default());
}

/// Asking again is not asking later.
pub(crate) async fn what_is_asked_is_dated(place: &dyn Place) {
    let (store, run) = (place.open().await, run(1));
    store.put_run(&run).await.unwrap();
    store.put_entity(run.id, &entity("patients", EntityState::Moving, 1)).await.unwrap();
    for (table, subject) in [("migration_control", None), ("workflow_control", Some(name("patients")))] {
        store.request(run.id, subject.as_ref(), Some(Wish::Pause)).await.unwrap();
        place.execute(&format!("update {table} set requested_at = '2025-01-01T00:00:00Z'")).await.unwrap();
        let dated =
            format!("select count(*) from {table} where requested_at > '2025-01-02T00:00:00Z' and requested_by <> ''");

        store.request(run.id, subject.as_ref(), Some(Wish::Pause)).await.unwrap();
        assert_eq!(place.text(&dated).await, "0", "{table}");
        store.request(run.id, subject.as_ref(), Some(Wish::Cancel)).await.unwrap();
        assert_eq!(place.text(&dated).await, "1", "{table}");
    }
}
