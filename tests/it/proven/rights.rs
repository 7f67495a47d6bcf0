//! A server that does not tell everyone which server it is.

use super::{ask, assert_same, moved, spec, twins};
use crate::ends::End;

/// Runs something in a database as the superuser, who comes in by the socket beside the authority's certificate.
fn as_superuser(end: &End, sql: &str) {
    let authority = std::env::var("TRANSLOAD_TEST_POSTGRES_CA").unwrap();
    let folder = authority.strip_suffix("/ca.pem").unwrap();
    let (_, place) = end.url().split_once('@').map(|(user, place)| (user.to_owned(), place.to_owned())).unwrap();
    let (address, name) = place.split_once('/').unwrap();
    let port = address.rsplit_once(':').unwrap().1;
    let name = name.split_once('?').unwrap().0;
    ask(&format!("postgres://postgres@localhost:{port}/{name}?host={folder}"), sql);
}

#[test]
fn a_large_table_whose_server_does_not_say_who_it_is_is_read() {
    let table = "create table t (id integer primary key, name text)";
    let world = twins("", table, &[("t", &spec("t", "name: name"))]);
    world.source().execute("insert into t select i, 'n' || i from generate_series(1, 20500) i");
    for end in [world.source(), world.destination()] {
        as_superuser(end, "revoke execute on function pg_control_system() from public");
        assert_eq!(end.texts("select has_function_privilege('pg_control_system()', 'execute')"), ["f"]);
    }

    assert_eq!(moved(&world.run()), [20_500, 0, 0, 0]);
    for _ in 0..2 {
        assert_eq!(moved(&world.run()), [0; 4]);
    }
    world.source().execute(
        "update t set name = 'x' where id = 9; delete from t where id = 10; insert into t values (30000, 'y')",
    );
    assert_eq!(moved(&world.run()), [1, 1, 1, 0]);

    assert_same(&world, "t", "without a digest");
    assert_eq!(world.destination().count("transload.segments where server_digest is not null"), 0);
}
