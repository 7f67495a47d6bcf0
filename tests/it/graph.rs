//! The graph, drawn by the real binary from specs alone.

use std::collections::BTreeSet;

use insta::assert_snapshot;
use serde_json::Value;

use crate::world::{World, ended, root};

/// What `graph` answers with these arguments; it must succeed, say nothing else and leave no file behind.
fn graph(world: &World, arguments: &[&str]) -> String {
    let before = files(world);
    let told = world.transload(&[&["graph"], arguments].concat());
    assert_eq!((told.code, told.stderr.as_str()), (0, ""), "{arguments:?}: {told:?}");
    assert_eq!(files(world), before, "{arguments:?}: files came or went");
    told.stdout
}

fn files(world: &World) -> BTreeSet<String> {
    let mut open = vec![world.path().to_owned()];
    let mut found = BTreeSet::new();
    while let Some(directory) = open.pop() {
        for entry in std::fs::read_dir(directory).unwrap().map(Result::unwrap) {
            found.insert(entry.path().display().to_string());
            if entry.file_type().unwrap().is_dir() {
                open.push(entry.path());
            }
        }
    }
    found
}

/// The clinic, its old database gone.
fn clinic() -> World {
    let world = World::clinic();
    std::fs::remove_dir_all(world.file("data")).unwrap();
    world
}

#[test]
fn the_clinic_is_drawn_without_a_database() {
    assert_snapshot!(graph(&clinic(), &[]), @"
    wave 1              wave 2      wave 3         wave 4
    jaw ──────────────────────────────────────╮
    offices ↺ ────────▶ doctors ──▶ patients ─┼──▶ orders
    system_messages ──────────────────────────╯

    6 entities · 5 edges · 1 reference of an entity to itself · widest wave 3
    critical path: offices → doctors → patients → orders

    edge                        because                                      written at
    doctors  → offices          doctors.office_id references offices         specs/doctors.yaml:12
    offices  → offices          offices.parent_office_id references offices  specs/offices.yaml:13
    orders   → jaw              orders.jaw_position_id references jaw        specs/orders.yaml:16
    orders   → patients         orders.patient_id references patients        specs/orders.yaml:15
    orders   → system_messages  orders depends_on system_messages            specs/orders.yaml:11
    patients → doctors          patients.doctor_id references doctors        specs/patients.yaml:15
    ");
}

#[test]
fn a_larger_project_is_drawn_and_explained() {
    let world = World::example("chinook");
    assert_snapshot!(graph(&world, &["--explain"]), @"
    wave 1          wave 2          wave 3             wave 4
    employees ↺ ──▶ customers ────▶ invoices ───┬────▶ invoice_lines
    artists ──────▶ albums ────╮                │
    genres ────────────────────┼──▶ tracks ───┬─╯
    media_types ───────────────╯              ╰───┬──▶ playlist_tracks
    playlists ────────────────────────────────────╯

    11 entities · 10 edges · 1 reference of an entity to itself · widest wave 5
    critical path: employees → customers → invoices → invoice_lines

    edge                       because                                        written at
    albums        → artists    albums.artist_id references artists            specs/albums.yaml:10
    customers     → employees  customers.support_rep_id references employees  specs/customers.yaml:13
    employees     → employees  employees.reports_to references employees      specs/employees.yaml:13
    invoice_lines → invoices   invoice_lines.invoice_id references invoices   specs/invoice_lines.yaml:11
    invoice_lines → tracks     invoice_lines.track_id references tracks       specs/invoice_lines.yaml:12
    … 6 more (--edges)

    artists waits for nothing; albums waits for it.
    employees waits for nothing, and refers to itself (reports_to, specs/employees.yaml:13), which is filled when all its rows are in; customers waits for it.
    genres waits for nothing; tracks waits for it.
    media_types waits for nothing; tracks waits for it.
    playlists waits for nothing; playlist_tracks waits for it.
    albums waits for artists (artist_id, specs/albums.yaml:10); tracks waits for it.
    customers waits for employees (support_rep_id, specs/customers.yaml:13); invoices waits for it.
    invoices waits for customers (customer_id, specs/invoices.yaml:10); invoice_lines waits for it.
    tracks waits for albums (album_id, specs/tracks.yaml:12), genres (genre_id, specs/tracks.yaml:14) and media_types (media_type_id, specs/tracks.yaml:13); invoice_lines and playlist_tracks wait for it.
    invoice_lines waits for invoices (invoice_id, specs/invoice_lines.yaml:11) and tracks (track_id, specs/invoice_lines.yaml:12); nothing waits for it.
    playlist_tracks waits for playlists (playlist_id, specs/playlist_tracks.yaml:16) and tracks (track_id, specs/playlist_tracks.yaml:17); nothing waits for it.
    ");
    let edges = graph(&world, &["--edges"]);
    assert!(edges.contains("specs/tracks.yaml:14") && !edges.contains("--edges"), "{edges}");
}

#[test]
fn an_edge_that_several_lines_make_names_the_first_and_counts_the_others() {
    let world = clinic();
    world.replace("specs/doctors.yaml", "version:", "depends_on: [offices]\nversion:");
    let text = world.read("specs/doctors.yaml");
    let line = 1 + text.lines().position(|line| line.starts_with("depends_on")).unwrap();

    let (few, all) = (graph(&world, &[]), graph(&world, &["--edges"]));

    assert!(
        few.contains(&format!("doctors depends_on offices                   specs/doctors.yaml:{line} and 1 more")),
        "{few}"
    );
    let both = all.lines().skip_while(|found| !found.contains(&format!("specs/doctors.yaml:{line}")));
    let both: Vec<&str> = both.take(2).map(str::trim).collect();
    assert!(both[0].starts_with("doctors  → offices") && !both[0].contains("more"), "{all}");
    assert!(both[1].starts_with("doctors.office_id references offices"), "{all}");
    assert!(graph(&world, &["--format", "mermaid"]).contains("e_offices -->|\"depends_on +1\"| e_doctors"));
}

#[test]
fn every_edge_names_the_line_that_makes_it() {
    for world in [clinic(), World::example("chinook")] {
        let document: Value = serde_json::from_str(&graph(&world, &["--format", "json"])).unwrap();
        let edges = document["edges"].as_array().unwrap();
        let mut lines = BTreeSet::new();
        for edge in edges {
            let because = &edge["because"][0];
            let (path, line) = (because["path"].as_str().unwrap(), because["line"].as_u64().unwrap());
            let text = world.read(path);
            let said = text.lines().nth(usize::try_from(line).unwrap() - 1).unwrap();
            assert!(path.ends_with(&format!("{}.yaml", edge["child"].as_str().unwrap())), "{edge}");
            assert!(said.contains(edge["parent"].as_str().unwrap()), "{edge}: {said}");
            assert!(said.contains(because["by"].as_str().unwrap()), "{edge}: {said}");
            lines.insert((path.to_owned(), line));
        }
        // Found without reading YAML: all lines that make an edge, and no others.
        let specs = files(&world).into_iter().filter(|path| path.contains("/specs/") && path.ends_with(".yaml"));
        let mut expected = 0;
        for path in specs {
            let text = std::fs::read_to_string(path).unwrap();
            let makes_edge = |line: &&str| {
                let line = line.split('#').next().unwrap();
                line.contains("references:") || (line.starts_with("depends_on:") && !line.contains("[]"))
            };
            expected += text.lines().filter(makes_edge).count();
        }
        assert_eq!(lines.len(), expected, "{document}");
        let waves: Vec<&Value> =
            document["waves"].as_array().unwrap().iter().flat_map(|w| w.as_array().unwrap()).collect();
        assert_eq!(waves.len(), document["entities"].as_array().unwrap().len());
        let wave = |name: &Value| {
            document["entities"].as_array().unwrap().iter().find(|e| e["entity_type"] == *name).unwrap()["wave"]
                .as_u64()
        };
        assert!(
            edges.iter().all(|edge| edge["child"] == edge["parent"] || wave(&edge["child"]) > wave(&edge["parent"]))
        );
    }
}

#[test]
fn other_programs_get_the_same_graph_every_time() {
    let world = World::example("chinook");
    for (format, starts, ends) in [
        ("mermaid", "flowchart LR\n", "e_media_types -->|\"media_type_id\"| e_tracks\n"),
        ("dot", "digraph \"chinook\" {\n", "\n}\n"),
        ("svg", "<svg ", "\n</svg>\n"),
        ("json", "{\n", "\n}\n"),
    ] {
        let first = graph(&world, &["--format", format]);
        assert!(first.starts_with(starts) && first.ends_with(ends), "{first}");
        assert_eq!(first, graph(&world, &["--format", format, "--quiet", "--color", "always"]));
    }
    assert_eq!(graph(&world, &["--quiet"]), "");
}

#[test]
fn the_readme_shows_what_the_clinic_gives() {
    let readme = std::fs::read_to_string(root().join("README.md")).unwrap();
    let text = graph(&clinic(), &[]);
    let picture = text.split("\n\n").next().unwrap();
    assert!(readme.contains(&format!("```text\n{picture}\n```")), "{picture}");
    let mut drawn = String::new();
    for line in graph(&clinic(), &["--format", "mermaid"]).lines().filter(|line| !line.trim_start().starts_with("%%")) {
        drawn += line;
        drawn.push('\n');
    }
    assert!(readme.contains(&format!("```mermaid\n{drawn}```")), "{drawn}");
}

#[test]
fn a_terminal_that_is_narrow_or_speaks_ascii_gets_what_it_can_show() {
    let world = clinic();
    let told = ended(&world.command(&["graph"]).env("LC_ALL", "C").env("COLUMNS", "48").output().unwrap());
    assert_eq!(told.code, 0, "{told:?}");
    assert!(told.stdout.is_ascii(), "{}", told.stdout);
    assert_snapshot!(told.stdout.split("\n\n").next().unwrap(), @"
    wave 1  jaw
            offices (self)
            system_messages
    wave 2  doctors         <- offices
    wave 3  patients        <- doctors
    wave 4  orders          <- jaw, patients,
                               system_messages
    ");
}

#[test]
fn servers_that_are_not_there_are_not_asked_for() {
    let world = World::example("chinook");
    let nowhere = "postgres://nobody@127.0.0.1:1/nothing?sslmode=disable";
    let mut command = world.command(&["graph", "--env", "postgres_only"]);
    let told = ended(&command.env("PLATFORM_URL", nowhere).env("CHINOOK_URL", nowhere).output().unwrap());
    assert_eq!((told.code, told.stderr.as_str()), (0, ""), "{told:?}");
    assert_eq!(told.stdout, graph(&world, &[]));
}

#[test]
fn entities_that_wait_for_one_another_are_refused_as_a_whole() {
    let world = clinic();
    world.replace("specs/system_messages.yaml", "depends_on: []", "depends_on: [orders]");
    for format in ["text", "mermaid", "dot", "svg"] {
        let told = world.transload(&["graph", "--format", format]);
        assert_eq!((told.code, told.stdout.as_str()), (1, ""), "{told:?}");
        let said = [
            "TL0205",
            "orders → system_messages → orders is a cycle",
            "specs/orders.yaml:11",
            "specs/system_messages.yaml:11",
        ];
        assert!(said.iter().all(|said| told.stderr.contains(said)), "{}", told.stderr);
    }
    let told = world.transload(&["graph", "--format", "json"]);
    let document: Value = serde_json::from_str(&told.stdout).unwrap();
    assert_eq!((told.code, &document["problems"][0]["code"]), (1, &Value::from("TL0205")), "{told:?}");
}

#[test]
fn a_spec_that_cannot_be_read_is_told_and_not_left_out_of_the_picture() {
    let world = clinic();
    world.replace("specs/jaw.yaml", "version:", "verison:");
    let told = world.transload(&["graph"]);
    assert_eq!((told.code, told.stdout.as_str()), (1, ""), "{told:?}");
    assert!(told.stderr.contains("TL0105") && told.stderr.contains("specs/jaw.yaml"), "{}", told.stderr);
}
