//! Something that listens where a server should, and speaks the protocol wrongly: the binary says that it cannot connect, in time, and keeps
//! its memory and its nerves.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use crate::alongside::{assert_silent, awaited, begun};
use crate::ends::Ends;
use crate::front::{listen, message, startup};
use crate::world::World;

/// The password of the URL, which nobody may be shown.
const SECRET: &str = "hunter2";

const PEOPLE: &str = "
entity_type: people
source_table: old_people
destination_table: people
version: \"1\"
key: { source: no, destination: id, strategy: keep }
field_mappings: { name: name }
";

/// What a server says. It hears what the client begins with first.
struct Case {
    what: &'static str,
    speaks: fn(TcpStream) -> std::io::Result<()>,
}

/// `AuthenticationOk`, and that it waits for a query.
fn welcome(client: &mut TcpStream) -> std::io::Result<()> {
    startup(client)?;
    let version = message(b'S', b"server_version\x0015.1\0");
    client.write_all(&[message(b'R', &[0; 4]), version, message(b'K', &[0; 8]), message(b'Z', b"I")].concat())
}

/// Answers whatever is asked with these bytes.
fn answer_all(mut client: TcpStream, answer: &[u8]) -> std::io::Result<()> {
    welcome(&mut client)?;
    let mut heard = [0; 8192];
    while client.read(&mut heard)? > 0 {
        client.write_all(answer)?;
    }
    Ok(())
}

/// A row of one column, called `a`, of type text.
fn described() -> Vec<u8> {
    let column = [&b"a\0"[..], &[0, 0, 0, 0, 0, 0, 0, 0, 0, 25, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0, 0]].concat();
    message(b'T', &[&[0, 1][..], &column].concat())
}

const CASES: &[Case] = &[
    Case { what: "it hangs up", speaks: |mut client| startup(&mut client) },
    Case {
        what: "it speaks HTTP",
        speaks: |mut client| client.write_all(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n"),
    },
    Case {
        what: "it answers with nothing but zeros",
        speaks: |mut client| startup(&mut client).and_then(|()| client.write_all(&[0; 4096])),
    },
    Case {
        what: "a message has a length below its own four bytes",
        speaks: |mut client| startup(&mut client).and_then(|()| client.write_all(b"R\0\0\0\x01\0\0\0\0")),
    },
    Case {
        what: "a message says that it holds two gigabytes, and ends",
        speaks: |mut client| startup(&mut client).and_then(|()| client.write_all(b"R\x7f\xff\xff\xff\0\0\0\0")),
    },
    Case {
        what: "a message of two gigabytes does not end",
        speaks: |mut client| {
            startup(&mut client)?;
            client.write_all(b"R\x7f\xff\xff\xff")?;
            loop {
                client.write_all(&[0; 1024])?;
                std::thread::sleep(Duration::from_millis(20));
            }
        },
    },
    Case {
        what: "it asks for a way of proving oneself that nobody knows",
        speaks: |mut client| startup(&mut client).and_then(|()| client.write_all(&message(b'R', &[0, 0, 0, 99]))),
    },
    Case {
        what: "its proof of knowing the password is no such proof",
        speaks: |mut client| {
            startup(&mut client)?;
            client.write_all(&message(b'R', &[&[0, 0, 0, 10][..], b"SCRAM-SHA-256\0\0"].concat()))?;
            client.read_exact(&mut [0; 16])?;
            client.write_all(&message(b'R', &[&[0, 0, 0, 11][..], b"r=,s=,i=0"].concat()))
        },
    },
    Case {
        what: "it never says that it is ready",
        speaks: |mut client| {
            startup(&mut client)?;
            client.write_all(&message(b'R', &[0; 4]))?;
            loop {
                client.write_all(&message(b'S', b"a\0b\0"))?;
                std::thread::sleep(Duration::from_millis(20));
            }
        },
    },
    Case { what: "it answers queries with garbage", speaks: |client| answer_all(client, &[0xff; 64]) },
    Case { what: "an error is cut off", speaks: |client| answer_all(client, &message(b'E', b"SFATAL")) },
    Case {
        what: "an error is not UTF-8",
        speaks: |client| answer_all(client, &message(b'E', b"SFATAL\0C\xff\xfe\0M\xff\0\0")),
    },
    Case {
        what: "a row is described with more columns than it says",
        speaks: |client| answer_all(client, &message(b'T', &[0x7f, 0xff, b'a', 0])),
    },
    Case {
        what: "a row is shorter than its columns",
        speaks: |client| {
            let row = message(b'D', &[0, 1, 0, 0, 0, 9, b'x']);
            answer_all(client, &[described(), row, message(b'C', b"SELECT 1\0"), message(b'Z', b"I")].concat())
        },
    },
    Case {
        what: "a row has fewer columns than were described",
        speaks: |client| {
            let row = message(b'D', &[0, 0]);
            answer_all(client, &[described(), row, message(b'C', b"SELECT 1\0"), message(b'Z', b"I")].concat())
        },
    },
    Case {
        what: "a row has a column of less than no length",
        speaks: |client| {
            let row = message(b'D', &[0, 1, 0x80, 0, 0, 0]);
            answer_all(client, &[described(), row, message(b'C', b"SELECT 1\0"), message(b'Z', b"I")].concat())
        },
    },
    Case {
        what: "it sends rows of what nobody asked for, and does not end",
        speaks: |mut client| {
            welcome(&mut client)?;
            let row = message(b'D', &[&[0, 1, 0, 0, 4, 0][..], &[b'x'; 1024]].concat());
            client.write_all(&described())?;
            loop {
                client.write_all(&row)?;
                std::thread::sleep(Duration::from_millis(5));
            }
        },
    },
    Case { what: "it asks for a file", speaks: |client| answer_all(client, &message(b'G', &[0, 0, 0])) },
];

/// People in a file, whose new place is at a port of this machine.
fn world(case: &'static Case) -> World {
    let world = World::project(Ends::SqliteToSqlite, "", "", &[("people", PEOPLE)]);
    let port = listen(|client| drop((case.speaks)(client)));
    let url = format!("postgres://someone:{SECRET}@127.0.0.1:{port}/new?sslmode=disable&connect_timeout=2");
    world.replace("transload.yaml", "sqlite:data/platform.db\", create_with: schema.sql", &format!("{url}\""));
    world
        .source()
        .execute("create table old_people (no integer primary key, name text); insert into old_people values (1, 'a')");
    world
}

fn check(case: &'static Case) {
    let world = world(case);
    let start = Instant::now();

    let told = awaited(begun(&world));

    let what = case.what;
    assert_eq!(told.code, 4, "{what}: {told:?}");
    assert!(["TL0005", "TL0020", "TL0428"].iter().any(|code| told.stderr.contains(code)), "{what}: {told:?}");
    assert!(told.stderr.contains("connection `platform`") && told.stderr.contains("help:"), "{what}: {told:?}");
    assert!(start.elapsed() < Duration::from_secs(10), "{what}: it took {:?}", start.elapsed());
    assert_silent(&world, &told, &[SECRET]);
}

#[test]
fn a_server_that_speaks_no_sense_is_left() {
    let failed: Vec<String> = std::thread::scope(|scope| {
        let checks: Vec<_> = CASES.iter().map(|case| scope.spawn(move || check(case))).collect();
        let failures = checks.into_iter().filter_map(|check| check.join().err());
        failures.map(|caught| caught.downcast_ref::<String>().cloned().unwrap_or_default()).collect()
    });
    assert!(failed.is_empty(), "{} of {}:\n{}", failed.len(), CASES.len(), failed.join("\n"));
}
