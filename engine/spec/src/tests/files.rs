//! Files that are no spec: encodings, sizes, nothing at all.

use super::kit::{OFFICES, changed, good, load, places, problems, problems_in, prose, write, written};

/// What is wrong when `specs/doctors.yaml` holds these bytes.
fn bytes(bytes: &[u8]) -> Vec<String> {
    let directory = written(&good());
    write(directory.path(), "specs/doctors.yaml", bytes);
    places(&problems_in(directory.path()))
}

#[test]
fn a_file_without_a_document_is_refused() {
    for text in ["", "# only a comment\n", "---\n", "\n\n", "---\n...\n"] {
        let found = bytes(text.as_bytes());
        assert_eq!(found.len(), 1, "{text:?} {found:?}");
        assert!(found[0].starts_with("TL0102"), "{text:?} {found:?}");
    }
    assert_eq!(bytes(b"just text\n"), ["TL0106 specs/doctors.yaml:1:1"]);
    assert_eq!(bytes(b"[1, 2]\n"), ["TL0106 specs/doctors.yaml:1:1"]);
}

#[test]
fn a_byte_order_mark_is_taken_off() {
    let text = format!("\u{feff}{}", super::kit::DOCTORS);
    assert_eq!(bytes(text.as_bytes()), Vec::<String>::new());
}

#[test]
fn a_file_that_is_not_utf8_is_refused_with_its_first_byte() {
    let directory = written(&good());
    write(directory.path(), "specs/doctors.yaml", b"entity_type: caf\xE9\n");
    let found = problems_in(directory.path());
    assert_eq!(places(&found), ["TL0112 specs/doctors.yaml:1:17"]);
    assert_eq!(found[0].labels[0].text, "byte 16 is 0xE9");
    write(directory.path(), "specs/doctors.yaml", b"\xFF\xFEe\0n\0");
    let found = problems_in(directory.path());
    assert_eq!(found[0].notes, ["it looks like UTF-16"]);
}

#[test]
fn a_file_has_at_most_a_mebibyte() {
    assert_eq!(bytes(&vec![b'#'; 1 << 20]), ["TL0102 specs/doctors.yaml:1:1048577"]);
    assert_eq!(bytes(&vec![b'#'; (1 << 20) + 1]), ["TL0110 specs/doctors.yaml:1:1"]);
}

#[test]
fn aliases_are_repeated_within_a_budget() {
    let laughs = "a: &a [x, x, x, x, x, x, x, x, x, x]\nb: &b [*a, *a, *a, *a, *a, *a, *a, *a, *a, *a]\n\
        c: &c [*b, *b, *b, *b, *b, *b, *b, *b, *b, *b]\nd: &d [*c, *c, *c, *c, *c, *c, *c, *c, *c, *c]\n\
        e: &e [*d, *d, *d, *d, *d, *d, *d, *d, *d, *d]\nf: &f [*e, *e, *e, *e, *e, *e, *e, *e, *e, *e]\n";
    let found = bytes(laughs.as_bytes());
    assert_eq!(found, ["TL0110 specs/doctors.yaml:5:40"]);
    let long = format!("x-a: &a {}\nx-b: [{}]\n", "x".repeat(400_000), "*a, ".repeat(1_000));
    assert_eq!(bytes(long.as_bytes())[0], "TL0110 specs/doctors.yaml:2:167");
    assert!(bytes(b"&a [*a]\n")[0].starts_with("TL0110"));
    assert!(bytes(b"a: &a { b: *a }\n")[0].starts_with("TL0110"));
}

#[test]
fn depth_is_bounded() {
    let nested = |depth: usize| format!("x-deep: {}{}\n{}", "[".repeat(depth), "]".repeat(depth), super::kit::DOCTORS);
    assert_eq!(bytes(nested(62).as_bytes()), Vec::<String>::new());
    assert_eq!(bytes(nested(64).as_bytes()), ["TL0110 specs/doctors.yaml:1:72"]);
    assert!(bytes(nested(10_000).as_bytes())[0].starts_with("TL0110"));
    let block: String = (0..1_000).map(|depth| format!("{}- \n", " ".repeat(depth))).collect();
    assert!(bytes(block.as_bytes())[0].starts_with("TL0110"));
}

#[test]
fn names_with_odd_characters_are_names_and_control_characters_are_not() {
    let odd = changed("specs/doctors.yaml", "email_addr", "'na\"me; drop'");
    assert_eq!(places(&problems(&odd)), ["TL0203 specs/doctors.yaml:8:26"]);
    let control = changed("specs/doctors.yaml", "email_addr", "\"a\\nb\"");
    assert_eq!(places(&problems(&control)), ["TL0108 specs/doctors.yaml:8:26"]);
    let spaces = changed("specs/doctors.yaml", "entity_type: doctors", "entity_type: 'the doctors'");
    assert_eq!(places(&problems(&spaces)), ["TL0108 specs/doctors.yaml:1:14"]);
}

#[test]
fn a_secret_in_a_spec_is_refused_and_not_shown() {
    let files = changed("specs/doctors.yaml", "version:", "password: hunter2\nversion:");
    let found = problems(&files);
    assert_eq!(places(&found), ["TL0113 specs/doctors.yaml:4:1"]);
    assert!(!format!("{}{:?}", found[0].headline, found[0].notes).contains("hunter2"));
}

#[test]
fn a_project_without_specs_says_so() {
    let mut files = good();
    files.retain(|path, _| path == "transload.yaml");
    let found = load(written(&files).path()).unwrap_err();
    assert_eq!(places(&found), ["TL0008 "]);
    let empty = tempfile::TempDir::new().unwrap();
    let found = load(empty.path()).unwrap_err();
    assert_eq!(places(&found), ["TL0001 "]);
}

#[test]
fn specs_are_found_in_folders_by_path() {
    let mut files = good();
    let doctors = files.remove("specs/doctors.yaml").unwrap();
    files.insert("specs/people/doctors.yaml".to_owned(), doctors);
    files.insert("transforms/b.rhai".to_owned(), "fn b(value) { value }".to_owned());
    files.insert("transforms/a.rhai".to_owned(), "fn a(value) { value }".to_owned());
    let project = load(written(&files).path()).unwrap();
    let paths = |files: &[std::sync::Arc<transload_model::SourceFile>]| {
        files.iter().map(|file| file.path.clone()).collect::<Vec<_>>()
    };
    assert_eq!(
        paths(project.spec_files()),
        ["specs/offices.yaml", "specs/people/doctors.yaml", "specs/positions.yaml"]
    );
    assert_eq!(paths(project.transforms()), ["transforms/a.rhai", "transforms/b.rhai"]);
}

/// Its entity would not move any more, and nothing else would miss it.
#[test]
fn a_file_that_looks_like_a_spec_and_is_not_read_is_told() {
    let told = |pattern: &str, path: &str, text: &str| {
        let mut files = changed("transload.yaml", "version: 1", &format!("version: 1\nspecs: {pattern}"));
        files.insert(path.to_owned(), text.to_owned());
        problems(&files)
    };
    for path in ["specs/more.yml", "specs/more.YAML", "specs/deep/more.Yml"] {
        let found = told("specs/**/*.yaml", path, OFFICES);
        assert_eq!(places(&found), [format!("TL0451 {path}:1:1")]);
        let right = path.rsplit_once('.').unwrap().0;
        assert_eq!(found[0].help.as_deref(), Some(&*format!("rename it to `{right}.yaml`, or move it elsewhere")));
    }
    let found = told("specs/[dop]*.yaml", "specs/more.yaml", OFFICES);
    assert_eq!(found[0].help.as_deref(), Some("give it such a name, or move it elsewhere"));
    for (path, text) in [
        ("specs/notes.yml", "note: nothing of a spec\n"),
        ("specs/more.yaml.bak", OFFICES),
        ("elsewhere/more.yml", OFFICES),
        ("templates/more.yaml", "template: more\ndescription: for each entity_type\n"),
    ] {
        assert_eq!(places(&told("specs/**/*.yaml", path, text)), Vec::<String>::new(), "{path}");
    }
}

#[test]
fn a_space_that_is_none_is_shown() {
    let found = |from: &str, to: &str| {
        let found = problems(&changed("specs/doctors.yaml", from, to));
        (places(&found).join(" "), found[0].headline.clone())
    };
    let told = "file `specs/doctors.yaml` is not YAML: a no-break space stands in the place of a space".to_owned();
    assert_eq!(
        found("source_table: disp", "source_table:\u{a0}disp"),
        ("TL0101 specs/doctors.yaml:2:14".to_owned(), told.clone())
    );
    assert_eq!(found("  email: {", "\u{a0} email: {"), ("TL0101 specs/doctors.yaml:8:1".to_owned(), told.clone()));
    assert_eq!(
        found("  - field_name: email", "  -\u{202f}field_name: email"),
        ("TL0101 specs/doctors.yaml:14:4".to_owned(), told)
    );
    let (place, other) = found("source_table: disp", "source_table:\u{3000}disp");
    assert!(place == "TL0101 specs/doctors.yaml:2:14" && other.contains("what only looks like one"), "{place} {other}");
    // In a text it is nobody's business, also beside a mistake.
    let (place, other) = found("version: \"1.1\"", "description: a\u{a0}b\nversion: \"1.1");
    assert!(!other.contains("space"), "{place} {other}");
}

#[test]
fn a_pattern_that_matches_nothing_is_shown() {
    let told = |pattern: &str| {
        let files = changed("transload.yaml", "version: 1", &format!("version: 1\nspecs: {pattern}"));
        problems(&files).iter().map(prose).collect::<String>()
    };
    assert!(told("spec/*.yaml").starts_with("TL0008 no file matches `specs`, which is `spec/*.yaml`\n"));
    assert!(
        told("\"${WHERE:-spec}/*.yaml\"")
            .starts_with("TL0008 no file matches `specs`, which is `${WHERE:-spec}/*.yaml`\n")
    );
    let unread = told("specs/*.yml");
    assert!(unread.contains("note: `specs/offices.yaml` looks like a spec and is not read"), "{unread}");
}
