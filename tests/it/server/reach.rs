//! Servers that are not there, do not answer, do not let one in, or cannot prove who they are.

use std::net::TcpListener;
use std::time::{Duration, Instant};

use super::{PASSWORD, Side, assert_refused, for_all, shop_of, told};
use crate::ends::Ends;
use crate::world::World;

/// A URL that leads nowhere, made of one that is good.
struct Case {
    what: &'static str,
    url: fn(&str) -> String,
    code: &'static str,
    exit: i32,
    says: &'static [&'static str],
}

const CASES: &[Case] = &[
    Case {
        what: "a wrong password",
        url: |url| url.replace(":tested@", &format!(":{PASSWORD}@")),
        code: "TL0020",
        exit: 4,
        says: &["cannot be opened", "does not let this user in", "pg_hba.conf"],
    },
    Case {
        what: "an unknown user",
        url: |url| url.replace("//tester:tested@", &format!("//nobody_at_all:{PASSWORD}@")),
        code: "TL0020",
        exit: 4,
        says: &["cannot be opened", "pg_hba.conf"],
    },
    Case {
        what: "an unknown database",
        url: |url| url.replace("?sslmode", "_and_more?sslmode"),
        code: "TL0005",
        exit: 4,
        says: &["no database of this name", "check host, port and database in the URL"],
    },
    Case {
        what: "a port where nobody listens",
        url: |url| url.replace(host_and_port(url), &closed_port()),
        code: "TL0005",
        exit: 4,
        says: &["Connection refused", "whether the server runs"],
    },
    Case {
        what: "a server that never answers",
        url: |url| url.replace(host_and_port(url), &silent_port()) + "&connect_timeout=1",
        code: "TL0005",
        exit: 4,
        says: &["did not answer within 1 s", "firewall"],
    },
    Case {
        what: "a certificate of an unknown authority",
        url: |url| url.replace("127.0.0.1", "localhost").replace("?sslmode=disable", ""),
        code: "TL0021",
        exit: 4,
        says: &["cannot be opened", "sslrootcert=PATH"],
    },
    Case {
        what: "a certificate for another name",
        url: |url| url.replace("sslmode=disable", &format!("sslrootcert={}", authority())),
        code: "TL0021",
        exit: 4,
        says: &["cannot be opened", "the host as the certificate does"],
    },
    Case {
        what: "`sslmode=require`",
        url: |url| url.replace("sslmode=disable", "sslmode=require"),
        code: "TL0004",
        exit: 2,
        says: &["has `sslmode=require`", "without checking whom you talk to"],
    },
    Case {
        what: "`sslmode=prefer`",
        url: |url| url.replace("sslmode=disable", "sslmode=prefer"),
        code: "TL0004",
        exit: 2,
        says: &["has `sslmode=prefer`"],
    },
    Case {
        what: "a plain connection to another machine",
        // Of a net that leads nowhere: to connect there would take the whole timeout.
        url: |url| url.replace("127.0.0.1", "192.0.2.1"),
        code: "TL0004",
        exit: 2,
        says: &["sslmode=disable"],
    },
];

fn host_and_port(url: &str) -> &str {
    url.split_once('@').unwrap().1.split_once('/').unwrap().0
}

fn closed_port() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().to_string()
}

/// Who connects there is never heard.
fn silent_port() -> String {
    let listener = Box::leak(Box::new(TcpListener::bind("127.0.0.1:0").unwrap()));
    listener.local_addr().unwrap().to_string()
}

fn authority() -> String {
    std::env::var("TRANSLOAD_TEST_POSTGRES_CA").expect("tests/run names the authority in TRANSLOAD_TEST_POSTGRES_CA")
}

/// A shop with another URL at one side, and that URL. The new database has no table yet.
fn shop_at(side: Side, url: fn(&str) -> String) -> (World, String) {
    let world = shop_of(Ends::PostgresToPostgres, "select 1");
    world.write("schema.sql", super::SCHEMA);
    let good = side.of(&world).url();
    let other = url(&good);
    world.replace("transload.yaml", &good, &other);
    (world, other)
}

fn check(case: &Case, side: Side) {
    let (world, url) = shop_at(side, case.url);
    for verb in ["validate", "run"] {
        let start = Instant::now();
        let told = told(&world, verb);
        let what = format!("{verb}: {} at the {side:?}", case.what);
        let at = format!("{} at {} ", side.connection(), host_and_port(&url));
        let connection = if case.exit == 4 { at.as_str() } else { "connection `" };
        assert_refused(&what, &told, case.code, case.exit, case.says);
        assert_refused(&what, &told, case.code, case.exit, &[connection]);
        for secret in [PASSWORD, "tested", "tester", "nobody_at_all"] {
            // What is wrong with the project's own text is shown in it, without the password.
            assert!(case.exit == 2 || !format!("{told:?}").contains(secret), "{what} says {secret}: {told:?}");
        }
        assert!(start.elapsed() < Duration::from_secs(8), "{what}: it took {:?}", start.elapsed());
        let tables = "select count(*) from pg_class where relnamespace = 'public'::regnamespace or relname = 'meta'";
        assert_eq!(world.destination().number(tables), 0, "{what}: something was created");
    }
}

#[test]
fn a_source_that_cannot_be_reached_is_named_and_nothing_is_created() {
    for_all(CASES, |case| check(case, Side::Source));
}

#[test]
fn a_destination_that_cannot_be_reached_is_named_and_nothing_is_created() {
    for_all(CASES, |case| check(case, Side::Destination));
}

#[test]
fn a_server_that_proves_who_it_is_is_believed() {
    let proofs: [fn(&str) -> String; 2] = [
        |url| url.replace("127.0.0.1", "localhost").replace("sslmode=disable", &format!("sslrootcert={}", authority())),
        |url| url.replace("sslmode=disable", &format!("sslmode=verify-ca&sslrootcert={}", authority())),
    ];
    for proof in proofs {
        for side in [Side::Source, Side::Destination] {
            super::assert_arrives(&shop_at(side, proof).0);
        }
    }
}
