//! Graphs to draw.

use transload_model::{Because, ColumnName, Dependency, EntityGraph, EntityName, GraphEntity, TableName, Waits};

fn name(text: &str) -> EntityName {
    EntityName::parse(text).unwrap()
}

/// A graph of these entities and edges: `child field parent`, or `child - parent` for one by `depends_on`.
pub(crate) fn graph(entities: &[&str], edges: &[&str]) -> EntityGraph {
    let entity = |text: &&str| GraphEntity {
        name: name(text),
        spec_path: format!("specs/{text}.yaml"),
        source_table: TableName::parse(&format!("old_{text}")).unwrap(),
        destination_table: TableName::parse(text).unwrap(),
    };
    let dependency = |(at, text): (usize, &&str)| {
        let words: Vec<&str> = text.splitn(3, ' ').collect();
        let [child, field, parent] = words[..] else { panic!("{text}") };
        let word = match field {
            "-" => Waits::DependsOn,
            field => Waits::References(ColumnName::parse(field).unwrap()),
        };
        let because = Because { path: format!("specs/{child}.yaml"), line: at + 10, word };
        Dependency { child: name(child), parent: name(parent), because, is_deferred: false }
    };
    EntityGraph::new(entities.iter().map(entity).collect(), edges.iter().enumerate().map(dependency).collect()).unwrap()
}

pub(crate) fn clinic() -> EntityGraph {
    graph(
        &["doctors", "jaw", "offices", "orders", "patients", "system_messages"],
        &[
            "doctors office_id offices",
            "offices parent_office_id offices",
            "orders - system_messages",
            "orders patient_id patients",
            "orders jaw_position_id jaw",
            "patients doctor_id doctors",
        ],
    )
}

/// The sketch of what the picture should be: a line that leads over a column, and entities that wait for nobody.
pub(crate) fn lab() -> EntityGraph {
    graph(
        &["doctors", "jaw_types", "offices", "order_items", "orders", "patients", "system_messages"],
        &[
            "doctors office_id offices",
            "patients doctor_id doctors",
            "patients office_id offices",
            "orders patient_id patients",
            "order_items order_id orders",
            "order_items jaw_type_id jaw_types",
        ],
    )
}

pub(crate) fn chinook() -> EntityGraph {
    graph(
        &[
            "albums",
            "artists",
            "customers",
            "employees",
            "genres",
            "invoice_lines",
            "invoices",
            "media_types",
            "playlist_tracks",
            "playlists",
            "tracks",
        ],
        &[
            "albums artist_id artists",
            "customers support_rep_id employees",
            "employees reports_to employees",
            "invoice_lines invoice_id invoices",
            "invoice_lines track_id tracks",
            "invoices customer_id customers",
            "playlist_tracks playlist_id playlists",
            "playlist_tracks track_id tracks",
            "tracks album_id albums",
            "tracks media_type_id media_types",
            "tracks genre_id genres",
        ],
    )
}

/// Fifty entities; each but the first ten waits for up to three of those before it.
pub(crate) fn fifty() -> EntityGraph {
    let names: Vec<String> = (0..50).map(|at| format!("entity_{at:02}")).collect();
    let mut edges = Vec::new();
    let mut state = 7_usize;
    for at in 10..50 {
        for field in 0..=at % 3 {
            state = (state * 1_103_515_245 + 12_345) % (1 << 31);
            // Most refer to what is near, some to the first ones.
            let parent = if state.is_multiple_of(4) { state / 8 % 5 } else { at - 1 - state / 8 % 10 };
            edges.push(format!("{} field_{field} {}", names[at], names[parent]));
        }
    }
    let (names, edges): (Vec<&str>, Vec<&str>) =
        (names.iter().map(String::as_str).collect(), edges.iter().map(String::as_str).collect());
    graph(&names, &edges)
}
