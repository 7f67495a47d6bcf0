//! Detections are kept, and whether a run was held to one.

use chrono::SubsecRound;
use transload_model::{Clock, DetectionRecord, RunId, SystemClock};

use super::Place;

pub(crate) async fn a_detection_comes_back_as_it_was_put(place: &dyn Place) {
    let store = place.open().await;
    // Old ones are forgotten. What is kept is exact to the microsecond.
    let clock = SystemClock::new();
    let moment = clock.now().trunc_subsecs(6);
    let mut detection = DetectionRecord {
        id: RunId::generate(&clock),
        project: "clinic".to_owned(),
        environment: "default".to_owned(),
        started_at: moment,
        completed_at: None,
        digest_seed: 0,
        entities: Vec::new(),
        carried_out_by: None,
    };
    store.put_detection(&detection).await.unwrap();
    assert_eq!(store.detections(10).await.unwrap(), [], "it is not complete");

    (detection.completed_at, detection.digest_seed) = (Some(moment), u64::MAX);
    store.put_detection(&detection).await.unwrap();
    assert_eq!(store.detections(10).await.unwrap(), [detection.clone()]);
    detection.carried_out_by = Some(RunId::generate(&clock));
    store.put_detection(&detection).await.unwrap();

    assert_eq!(place.open().await.detections(10).await.unwrap(), [detection]);
}
