//! Pictures as people see them.

use insta::assert_snapshot;
use unicode_width::UnicodeWidthStr;

use super::given::{chinook, clinic, fifty, graph, lab};
use crate::text::Drawing;
use crate::{Characters, Layout, dot, mermaid, sentence, svg, text};

fn wide(graph: &transload_model::EntityGraph, characters: Characters) -> String {
    text(graph, characters, usize::MAX).join("\n")
}

#[test]
fn one_entity_is_a_name_under_a_wave() {
    assert_snapshot!(wide(&graph(&["alone"], &[]), Characters::Unicode), @r"
    wave 1
    alone
    ");
    assert_eq!(text(&graph(&[], &[]), Characters::Unicode, 80), Vec::<String>::new());
}

#[test]
fn a_project_fits_a_terminal() {
    assert_snapshot!(wide(&clinic(), Characters::Unicode), @"
    wave 1              wave 2      wave 3         wave 4
    jaw ──────────────────────────────────────╮
    offices ↺ ────────▶ doctors ──▶ patients ─┼──▶ orders
    system_messages ──────────────────────────╯
    ");
    assert_snapshot!(wide(&lab(), Characters::Unicode), @"
    wave 1                wave 2        wave 3       wave 4       wave 5
    jaw_types ───────────────────────────────────────────────┬──▶ order_items
    offices ─────────┬──▶ doctors ─┬──▶ patients ──▶ orders ─╯
                     ╰─────────────╯
    system_messages
    ");
    assert_snapshot!(wide(&chinook(), Characters::Unicode), @"
    wave 1          wave 2          wave 3             wave 4
    employees ↺ ──▶ customers ────▶ invoices ───┬────▶ invoice_lines
    artists ──────▶ albums ────╮                │
    genres ────────────────────┼──▶ tracks ───┬─╯
    media_types ───────────────╯              ╰───┬──▶ playlist_tracks
    playlists ────────────────────────────────────╯
    ");
}

#[test]
fn a_terminal_without_lines_gets_them_in_ascii() {
    let drawn = wide(&chinook(), Characters::Ascii);
    assert!(drawn.is_ascii());
    assert_snapshot!(drawn, @"
    wave 1               wave 2          wave 3             wave 4
    employees (self) --> customers ----> invoices ---+----> invoice_lines
    artists -----------> albums ----+                |
    genres -------------------------+--> tracks ---+-+
    media_types --------------------+              +---+--> playlist_tracks
    playlists -----------------------------------------+
    ");
    assert!(wide(&fifty(), Characters::Ascii).is_ascii());
}

#[test]
fn fifty_entities_can_be_drawn() {
    assert_snapshot!(wide(&fifty(), Characters::Unicode));
}

#[test]
fn a_thousand_entities_are_too_wide_and_still_told() {
    let names: Vec<String> = (0..1_000).map(|at| format!("e{at:03}")).collect();
    // The longest chain there is, and one that all wait for: as many columns and lanes as can be.
    let mut edges: Vec<String> = (1..1_000).map(|at| format!("{} near {}", names[at], names[at - 1])).collect();
    edges.extend((2..1_000).map(|at| format!("{} far {}", names[at], names[0])));
    let (names, edges): (Vec<&str>, Vec<&str>) =
        (names.iter().map(String::as_str).collect(), edges.iter().map(String::as_str).collect());
    let list = text(&graph(&names, &edges), Characters::Unicode, 120);
    assert_eq!(list.len(), 1_000);
    assert_eq!(list[999], "wave 1000  e999 ← e000, e998");
}

#[test]
fn what_is_wider_than_the_terminal_is_a_list() {
    let width = wide(&chinook(), Characters::Unicode).lines().map(UnicodeWidthStr::width).max().unwrap();
    assert_eq!(text(&chinook(), Characters::Unicode, width).join("\n"), wide(&chinook(), Characters::Unicode));
    let list = text(&chinook(), Characters::Unicode, width - 1);
    assert!(list.iter().all(|line| line.width() < width));
    assert_snapshot!(list.join("\n"), @"
    wave 1  artists
            employees ↺
            genres
            media_types
            playlists
    wave 2  albums          ← artists
            customers       ← employees
    wave 3  invoices        ← customers
            tracks          ← albums, genres, media_types
    wave 4  invoice_lines   ← invoices, tracks
            playlist_tracks ← playlists, tracks
    ");
    assert_snapshot!(text(&clinic(), Characters::Ascii, 50).join("\n"), @"
    wave 1  jaw
            offices (self)
            system_messages
    wave 2  doctors         <- offices
    wave 3  patients        <- doctors
    wave 4  orders          <- jaw, patients,
                               system_messages
    ");
    assert!(text(&fifty(), Characters::Unicode, 60).iter().all(|line| line.width() <= 60));
}

#[test]
fn characters_of_two_cells_move_nothing() {
    // Not names of entities, but whoever draws may label them as he likes.
    let layout = Layout::new(&[vec![0, 1, 2], vec![3]], &[(0, 3), (1, 3), (2, 3)]);
    let labels = ["患者", "naïve", "e\u{301}te\u{301}", "注文 ↺"].map(ToOwned::to_owned);
    let lines = Drawing::new(&layout, &labels).drawn(Characters::Unicode);
    assert_snapshot!(lines.join("\n"), @"
    wave 1       wave 2
    患者 ───╮
    naïve ──┼──▶ 注文 ↺
    été ────╯
    ");
    let cells: Vec<usize> = lines[1..].iter().map(|line| line.split(['╮', '┼', '╯']).next().unwrap().width()).collect();
    assert!(cells.windows(2).all(|pair| pair[0] == pair[1]), "{cells:?}");
}

#[test]
fn a_picture_stands_alone() {
    assert_snapshot!(svg(&clinic(), "The entities of clinic"));
}

#[test]
fn readmes_and_graphviz_get_their_own_words() {
    assert_snapshot!(mermaid(&clinic()), @r#"
    flowchart LR
        e_doctors["doctors"]
        e_jaw["jaw"]
        e_offices["offices"]
        e_orders["orders"]
        e_patients["patients"]
        e_system_messages["system_messages"]
        %% doctors.office_id references offices (specs/doctors.yaml:10)
        e_offices -->|"office_id"| e_doctors
        %% offices.parent_office_id references offices (specs/offices.yaml:11)
        e_offices -->|"parent_office_id"| e_offices
        %% orders.jaw_position_id references jaw (specs/orders.yaml:14)
        e_jaw -->|"jaw_position_id"| e_orders
        %% orders.patient_id references patients (specs/orders.yaml:13)
        e_patients -->|"patient_id"| e_orders
        %% orders depends_on system_messages (specs/orders.yaml:12)
        e_system_messages -.->|"depends_on"| e_orders
        %% patients.doctor_id references doctors (specs/patients.yaml:15)
        e_doctors -->|"doctor_id"| e_patients
    "#);
    assert_snapshot!(dot(&clinic(), "clinic"), @r#"
    digraph "clinic" {
      rankdir=LR;
      node [shape=box, style=rounded];
      { rank=same; "jaw"; "offices"; "system_messages"; }
      { rank=same; "doctors"; }
      { rank=same; "patients"; }
      { rank=same; "orders"; }
      "offices" -> "doctors" [label="office_id", tooltip="doctors.office_id references offices (specs/doctors.yaml:10)"];
      "offices" -> "offices" [label="parent_office_id", tooltip="offices.parent_office_id references offices (specs/offices.yaml:11)"];
      "jaw" -> "orders" [label="jaw_position_id", tooltip="orders.jaw_position_id references jaw (specs/orders.yaml:14)"];
      "patients" -> "orders" [label="patient_id", tooltip="orders.patient_id references patients (specs/orders.yaml:13)"];
      "system_messages" -> "orders" [label="depends_on", tooltip="orders depends_on system_messages (specs/orders.yaml:12)", style=dashed];
      "doctors" -> "patients" [label="doctor_id", tooltip="patients.doctor_id references doctors (specs/patients.yaml:15)"];
    }
    "#);
}

#[test]
fn each_entity_is_a_sentence() {
    let graph = graph(&["a", "b", "c", "d"], &["b x a", "c x a", "c y b", "c - b", "d x a", "a parent_id a"]);
    let sentences: Vec<String> = (0..4).map(|entity| sentence(&graph, entity)).collect();
    assert_snapshot!(sentences.join("\n"), @"
    a waits for nothing, and refers to itself (parent_id, specs/a.yaml:15), which is filled when all its rows are in; b, c and d wait for it.
    b waits for a (x, specs/b.yaml:10); c waits for it.
    c waits for a (x, specs/c.yaml:11) and b (y, specs/c.yaml:12, and 1 more); nothing waits for it.
    d waits for a (x, specs/d.yaml:14); nothing waits for it.
    ");
}
