//! The scripts that make a store run once, in order, whoever opens it.

use transload_model::Code;

use super::{Place, run};

const RAN: &str = "select name || ' ' || applied_at from control_migrations order by version";

pub(crate) async fn opening_again_does_nothing(place: &dyn Place) {
    let store = place.open().await;
    store.put_run(&run(1)).await.unwrap();
    let ran = place.texts(RAN).await;
    let names: Vec<&str> = ran.iter().filter_map(|line| line.split(' ').next()).collect();
    let expected = [
        "001_create_differential_migration_tables",
        "002_add_differential_indexes",
        "003_create_differential_functions",
        "004_migrate_existing_migration_data",
        "005_add_entity_requests",
        "006_add_detections",
        "007_add_carried_out",
    ];
    assert_eq!(names, expected);

    let again = place.open().await;

    assert_eq!(place.texts(RAN).await, ran);
    assert_eq!(again.runs(10).await.unwrap().len(), 1);
}

pub(crate) async fn a_newer_store_is_refused(place: &dyn Place) {
    drop(place.open().await);
    let sql = "insert into control_migrations (version, name, applied_by) values (8, '008_later', 'transload 9')";
    place.execute(sql).await.unwrap();

    let problem = place.try_open().await.err().unwrap();

    assert_eq!(problem.code, Code::ControlStore);
    assert_eq!(problem.headline, "the control store has version 8, this Transload knows 7");
    assert!(problem.help.is_some());
}

pub(crate) async fn eight_first_opens_make_one_store(place: &dyn Place) {
    let open = || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async { place.open().await.runs(1).await.unwrap() })
    };
    std::thread::scope(|scope| {
        let opening: Vec<_> = (0..8).map(|_| scope.spawn(open)).collect();
        for opened in opening {
            assert_eq!(opened.join().unwrap(), []);
        }
    });
    assert_eq!(place.texts(RAN).await.len(), 7);
}
