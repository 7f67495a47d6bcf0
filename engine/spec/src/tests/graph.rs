//! Who waits for whom, from the specs alone.

use std::collections::BTreeMap;

use super::kit::{changed, good, load, places, prose, written};
use crate::{Graphed, graph};

fn graphed(files: &BTreeMap<String, String>) -> Graphed {
    graph(&load(written(files).path()).unwrap())
}

/// Each reason of each edge in a line.
fn edges(graphed: &Graphed) -> Vec<String> {
    let graph = graphed.graph.as_ref().unwrap();
    let name = |index: usize| &graph.entities()[index].name;
    let reasons = graph.edges().iter().flat_map(|edge| edge.because.iter().map(move |because| (edge, because)));
    let line = |(edge, because): (&transload_model::Edge, &transload_model::Because)| {
        format!("{} {}", because.clause(name(edge.child), name(edge.parent)), because.place())
    };
    reasons.map(line).collect()
}

#[test]
fn every_edge_knows_the_lines_that_made_it() {
    let mut files = changed("specs/doctors.yaml", "version:", "depends_on:\n  - offices\nversion:");
    let doctors = files.get_mut("specs/doctors.yaml").unwrap();
    *doctors =
        doctors.replace("  joined_on: join_dt\n", "  joined_on: { source_field: join_dt, references: offices }\n");

    let found = graphed(&files);

    assert_eq!(found.diagnostics, []);
    assert_eq!(
        edges(&found),
        [
            "doctors depends_on offices specs/doctors.yaml:5",
            "doctors.office_id references offices specs/doctors.yaml:8",
            "doctors.joined_on references offices specs/doctors.yaml:12",
            "offices.parent_id references offices specs/offices.yaml:7",
            "positions depends_on doctors specs/positions.yaml:5",
        ]
    );
    assert_eq!(found.graph.unwrap().waves(), [vec![1], vec![0], vec![2]]);
}

#[test]
fn what_is_not_active_is_not_in_the_graph() {
    let files = changed("specs/positions.yaml", "version:", "is_active: false\nversion:");

    let found = graphed(&files);

    let graph = found.graph.unwrap();
    let names: Vec<&str> = graph.entities().iter().map(|entity| entity.name.as_str()).collect();
    assert_eq!(names, ["doctors", "offices"]);
}

#[test]
fn a_project_with_problems_has_no_graph_and_all_of_them() {
    let mut files = changed("specs/offices.yaml", "version:", "depends_on: [positions]\nversion:");
    // Without a database a column may be NULL, for all that is known.
    let found = graphed(&files).graph.unwrap();
    assert!(found.edges().iter().any(|edge| edge.is_deferred) && found.waves().len() == 3);

    let doctors = files.get_mut("specs/doctors.yaml").unwrap();
    *doctors = doctors.replace("references: offices }", "references: offices, defer: false }");
    let found = graphed(&files);
    assert!(found.graph.is_none());
    insta::assert_snapshot!(found.diagnostics.iter().map(prose).collect::<String>(), @r"
    TL0205 doctors → offices → positions → doctors is a cycle
      specs/doctors.yaml:6:53 [offices] `doctors` waits for `offices` here …
      specs/offices.yaml:4:14 [positions] … `offices` waits for `positions` here …
      specs/positions.yaml:5:14 [doctors] … and `positions` waits for `doctors` here
      note: a circle is broken where a column of the destination may be NULL, and none of these may
      help: take one of them out, or let one of these columns be NULL in its table; it is filled last then
    ");

    let positions = files.get_mut("specs/positions.yaml").unwrap();
    *positions = positions.replace("[doctors]", "[dentists]").replace("mode: ignore", "mode: forget");
    assert_eq!(
        places(&graphed(&files).diagnostics),
        ["TL0201 specs/positions.yaml:5:14", "TL0108 specs/positions.yaml:12:18"]
    );
}

#[test]
fn what_only_databases_and_functions_can_tell_is_no_problem_of_the_graph() {
    let mut files = changed("specs/doctors.yaml", "source_table: dispatch_doctors", "source_table: gone");
    files.insert("transforms/broken.rhai".to_owned(), "fn (".to_owned());
    let found = graphed(&files);
    assert_eq!(found.diagnostics, []);
    assert_eq!(edges(&found), edges(&graphed(&good())));
}
