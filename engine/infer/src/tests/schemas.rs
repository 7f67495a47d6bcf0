//! Pairs of schemas, each for one thing, and the drafts that they give.

use transload_model::{ColumnName, TableName};

use super::given::{KEYS, catalog, inferred, pairs, specs};
use crate::{Asked, Confidence, Fate, KeyDefaults, KeyDraft, Observations, Observed, Schemas, Selected, infer, spec};

/// The lines of the drafts of two tables that say anything.
fn lines(source: &str, destination: &str) -> Vec<String> {
    let text = specs(&inferred(source, destination));
    let is_body = |line: &&str| {
        let heads = ["# Drafted", "entity_type", "source_table", "destination_table", "version", "field_mappings"];
        !line.is_empty() && heads.iter().all(|head| !line.starts_with(head))
    };
    text.lines().filter(is_body).map(|line| line.trim().to_owned()).collect()
}

#[test]
fn a_draft_reads_as_a_person_would_write_it() {
    let source = "
        dispatch_offices: office_no integer! pk, office_nm char(40)!, parent_no integer, city text, actv_fl char(1)!, crt_ts timestamp!, tmp_import text
        dispatch_doctors: doc_no integer! pk, office_no integer!, doc_nm char(40)!, spec_cd char(2), join_dt char(8)
        dispatch_log: entry integer pk, line text
    ";
    let destination = "
        offices: id uuid! pk, name text!, parent_office_id uuid -> offices, city text, is_active boolean!, created_at timestamp!
        doctors: id uuid! pk, office_id uuid! -> offices, full_name text!, initials text!, specialty text, joined_on date, rating integer
    ";
    insta::assert_snapshot!(specs(&inferred(source, destination)));
}

#[test]
fn each_line_says_what_its_types_need() {
    for (source, destination, expected) in [
        ("a: id integer! pk, x text", "a: id integer! pk, x text", &["auto_map: true # x"][..]),
        (
            "a: Id integer! pk, FirstName text",
            "a: id integer! pk, first_name text",
            &["auto_map: { match: snake_case } # first_name"],
        ),
        ("a: id integer! pk", "a: id integer! pk", &["auto_map: true"]),
        // Not convertible: the star must not copy it.
        (
            "a: id integer! pk, x text, seen date",
            "a: id integer! pk, x text, seen boolean",
            &[
                "auto_map: { exclude: [seen] } # x",
                "# seen: TODO(infer): `seen` is like it, but date cannot become boolean",
                "# Not read: seen",
            ],
        ),
        (
            "a: id integer! pk, seen date",
            "a: id integer! pk, seen boolean!",
            &[
                "auto_map: { exclude: [seen] }",
                "# seen: TODO(infer): must have a value; `seen` is like it, but date cannot become boolean",
                "# Not read: seen",
            ],
        ),
        // What is generated needs nothing and gets nothing.
        ("a: id integer! pk, x text", "a: id integer! pk, x text@!", &["auto_map: true", "# Not read: x"]),
        (
            "a: id integer! pk, active char(1)!, born char(8), died text",
            "a: id integer! pk, active boolean!, born date, died date",
            &[
                "active: { source_field: active, value_map: { \"Y\": true, \"N\": false } } # TODO(infer): 0.70, a flag: by which letters?",
                "born: { source_field: born, format: \"%Y%m%d\" } # TODO(infer): 0.70, text of eight characters that must be a day",
                "died: died # TODO(infer): 0.70, text that must be a day: does it need a `format`?",
            ],
        ),
        (
            "a: id integer! pk, no text, x text",
            "a: id integer! pk, no text!, x text!=",
            &[
                "\"no\": \"no\" # TODO(infer): 0.79, may be NULL there, and must not be here",
                "x: x # TODO(infer): 0.79, may be NULL there, and must not be here",
            ],
        ),
    ] {
        assert_eq!(lines(source, destination), expected, "{source} to {destination}");
    }
}

#[test]
fn a_key_is_kept_where_it_can_be_and_new_where_it_is_new() {
    let uuid = "strategy: uuid_v5, namespace: 00000000-0000-0000-0000-000000000000 }";
    for (source, destination, expected) in [
        ("a: id integer! pk, x text", "a: id integer! pk, x text", String::new()),
        ("a: no integer! pk, x text", "a: id integer! pk, x text", String::new()),
        (
            "a: no integer! pk, x text",
            "a: id uuid! pk, x text",
            format!("key: {{ source: \"no\", destination: id, {uuid}"),
        ),
        (
            "a: a_no integer! pk, x text",
            "a: id text! pk, x text",
            format!("key: {{ source: a_no, destination: id, {uuid}"),
        ),
        ("a: id uuid! pk, x text", "a: id uuid! pk, x text", String::new()),
        ("a: id char(36)! pk, x text", "a: id uuid! pk, x text", String::new()),
        ("a: case_no text! pk, x text", "a: case_no text! pk, x text", String::new()),
        // The old key has a column of its own, so `id` is another one.
        (
            "a: case_no text! pk, x text",
            "a: id text! pk, case_no text, x text",
            format!("key: {{ source: case_no, destination: id, {uuid}"),
        ),
        (
            "a: s text! pk, k integer! pk, x text",
            "a: id uuid! pk, x text",
            format!("key: {{ source: [s, k], destination: id, {uuid}"),
        ),
        (
            "a: s text! pk, k integer! pk, x text",
            "a: k integer! pk, s text! pk, x text",
            "key: { source: [k, s], destination: [k, s], strategy: keep }".to_owned(),
        ),
        (
            "a: s text! pk, k integer! pk, x text",
            "a: id integer! pk, x text",
            "# key: TODO(infer): which columns identify a row? a key of 2 columns cannot become `id`, which is integer"
                .to_owned(),
        ),
        (
            "a: id text, x text",
            "a: id text! pk, x text",
            "# key: TODO(infer): which columns identify a row? `a` has no primary key".to_owned(),
        ),
        (
            "a: id boolean! pk, x text",
            "a: id text! pk, x text",
            "# key: TODO(infer): which columns identify a row? `id` is boolean and cannot be a key".to_owned(),
        ),
        (
            "a: id date! pk, x text",
            "a: id integer! pk, x text",
            "# key: TODO(infer): which columns identify a row? key: date cannot become integer".to_owned(),
        ),
    ] {
        let key = lines(source, destination).into_iter().find(|line| line.contains("key: ")).unwrap_or_default();
        assert_eq!(key, expected, "{source} to {destination}");
    }
}

#[test]
fn what_the_project_says_of_keys_is_not_said_again() {
    let (source, destination) = (
        catalog("a: no integer! pk, x text\nb: no integer! pk, x text"),
        catalog("a: id uuid! pk, x text\nb: id integer! pk, x text"),
    );
    let (seen, selected) = (Observations::new(), Selected::default());
    let keys = KeyDefaults { is_uuid: Some(true), has_namespace: true, ..KEYS };

    let found =
        infer(&Schemas::of(&source, &destination), &Asked { known: &[], keys, seen: &seen, selected: &selected });

    let [a, b] = found.drafts.as_slice() else { panic!("{found:?}") };
    assert!(!spec(a).contains("key:"), "{}", spec(a));
    assert!(spec(b).contains("\nkey: { source: \"no\", destination: id, strategy: keep }\n"), "{}", spec(b));
}

#[test]
fn references_follow_the_foreign_keys_of_either_end() {
    let parents = "city: city_id integer! pk, label text";
    let new = "cities: id uuid! pk, label text";
    for (child, new_child, expected) in [
        // By the destination's key and the name.
        (
            "shop: no integer! pk, city_id integer",
            "shops: id uuid! pk, city_id uuid -> cities",
            "city_id: { source_field: city_id, references: cities }",
        ),
        // By the name of the parent's key alone.
        (
            "shop: no integer! pk, city_id integer",
            "shops: id uuid! pk, place uuid -> cities",
            "place: { source_field: city_id, references: cities }",
        ),
        // By the source's key, whatever the names.
        (
            "shop: no integer! pk, where_to integer -> city",
            "shops: id uuid! pk, place uuid -> cities",
            "place: { source_field: where_to, references: cities }",
        ),
        (
            "shop: no integer! pk, city_id integer -> city",
            "shops: id uuid! pk, city_id uuid",
            "city_id: { source_field: city_id, references: cities }",
        ),
        // Its type is not that of the key.
        (
            "shop: no integer! pk, city_id text",
            "shops: id uuid! pk, city_id uuid -> cities",
            "city_id: { source_field: city_id, transformation: to_int, references: cities } # TODO(infer): 0.79, text that must read as a key",
        ),
        (
            "shop: no integer! pk, city_id date",
            "shops: id uuid! pk, city_id uuid -> cities",
            "# city_id: TODO(infer): `city_id` is like it, but it is date, and the key of `cities` is integer",
        ),
        (
            "shop: no integer! pk, city_id integer",
            "shops: id uuid! pk, city_id uuid! -> cities",
            "city_id: { source_field: city_id, references: cities } # TODO(infer): 0.79, may be NULL there, and must not be here",
        ),
        // Nothing is moved to what it refers to.
        (
            "shop: no integer! pk, land_id integer",
            "shops: id uuid! pk, land_id uuid -> lands",
            "# land_id: TODO(infer): `land_id` is like it, but integer cannot become uuid",
        ),
        (
            "shop: no integer! pk, land_id integer",
            "shops: id uuid! pk, land_id integer -> lands",
            "land_id: land_id # TODO(infer): 0.65, it refers to `lands`, which no spec moves, so the old key is copied",
        ),
        (
            "shop: no integer! pk, land_id text",
            "shops: id uuid! pk, land_id text -> lands",
            "# land_id: TODO(infer): `land_id` is like it, but it refers to `lands`, which no spec moves",
        ),
        // To itself, which must be able to wait.
        (
            "shop: no integer! pk, parent_no integer",
            "shops: id uuid! pk, parent_shop_id uuid -> shops",
            "parent_shop_id: { source_field: parent_no, references: shops }",
        ),
        (
            "shop: no integer! pk, parent_no integer!",
            "shops: id uuid! pk, parent_shop_id uuid! -> shops",
            "# parent_shop_id: TODO(infer): must have a value; `parent_no` is like it, but a reference of `shops` to itself must allow NULL",
        ),
    ] {
        let lines = lines(&format!("{parents}\n{child}"), &format!("{new}\n{new_child}"));
        assert!(lines.iter().any(|line| line == expected), "{expected}: {lines:#?}");
    }
}

#[test]
fn a_key_of_references_is_looked_up() {
    let source = "
        Playlist: PlaylistId integer! pk, Name text
        Track: TrackId integer! pk, Name text, Composer text
        PlaylistTrack: PlaylistId integer! pk -> Playlist, TrackId integer! pk -> Track
    ";
    let destination = "
        playlists: id uuid! pk, name text
        tracks: id uuid! pk, name text, composer text
        playlist_tracks: track_id uuid! pk -> tracks, playlist_id uuid! pk -> playlists
    ";
    let found = inferred(source, destination);
    let draft = found.drafts.iter().find(|draft| draft.entity.as_str() == "playlist_tracks").unwrap();
    let text = spec(draft);
    for line in [
        "key: { source: [TrackId, PlaylistId], destination: [track_id, playlist_id], strategy: keep }",
        "  track_id: { source_field: TrackId, references: tracks }",
        "  playlist_id: { source_field: PlaylistId, references: playlists }",
    ] {
        assert!(text.lines().any(|own| own == line), "{line}: {text}");
    }
}

#[test]
fn a_circle_is_broken_where_a_column_may_stay_empty() {
    let source = "
        team: team_id integer! pk, lead_id integer -> person, motto text
        person: person_id integer! pk, team_id integer! -> team, nick text
    ";
    let destination = "
        teams: id uuid! pk, lead_id uuid -> people, motto text
        people: id uuid! pk, team_id uuid! -> teams, nick text
    ";
    let text = specs(&inferred(source, destination));
    assert!(text.contains("  team_id: { source_field: team_id, references: teams }\n"), "{text}");
    assert!(
        text.contains(
            "# lead_id: TODO(infer): a reference to `people` would close a circle: `people` waits for `teams`\n"
        ),
        "{text}"
    );
}

#[test]
fn pairs_are_the_best_over_all_tables_and_none_is_worse_than_allowed() {
    for (source, destination, expected) in [
        (
            "t_user: id integer! pk, mail text\nt_users_old: id integer! pk, mail text",
            "users: id integer! pk, mail text",
            &["t_user > users"][..],
        ),
        (
            "grp_policy: pol_no text! pk, ann_prem decimal, eff_dt date",
            "group_policies: id uuid! pk, annual_premium decimal, starts_on date",
            &["grp_policy > group_policies"],
        ),
        (
            "clm_header: clm_no integer! pk, bill_amt decimal\nemp_master: emp_no integer! pk, ssn text",
            "claims: id uuid! pk, billed decimal\nemployees: id uuid! pk, ssn text",
            &["clm_header > claims", "emp_master > employees"],
        ),
        // Nothing in the names, and all in the columns.
        (
            "xq1: k integer! pk, iban text, bic text, holder text, opened date",
            "accounts: id integer! pk, iban text, bic text, holder text, opened date",
            &["xq1 > accounts"],
        ),
        // What every table has says nothing.
        (
            "colour: id integer! pk, name text",
            "planets: id integer! pk, name text\nmoons: id integer! pk, name text\nstars: id integer! pk, name text",
            &[],
        ),
        ("a: id integer! pk", "b: id integer! pk", &[]),
    ] {
        let found = inferred(source, destination);
        assert_eq!(pairs(&found), expected, "{source} to {destination}");
        assert!(found.drafts.iter().all(|draft| draft.score >= Confidence::DRAFTED));
        assert_eq!(found.drafts.len() + found.unpaired_sources.len(), source.lines().count());
        assert_eq!(found.drafts.len() + found.unpaired_destinations.len(), destination.lines().count());
    }
}

#[test]
fn rows_settle_what_types_leave_open() {
    let (source, destination) = (
        catalog(
            "a: id integer! pk, born char(10), active char(1)!, city text, spare char(10), died char(10), name char(40)",
        ),
        catalog("a: id integer! pk, born date, active boolean!, city text!, spare date, died date, name text"),
    );
    let name = |column: &str| (TableName::parse("a").unwrap(), ColumnName::parse(column).unwrap());
    let seen = |texts: &[&str]| Observed::of(&texts.iter().map(|text| Some((*text).to_owned())).collect::<Vec<_>>());
    let seen = Observations::from([
        (name("born"), seen(&["31/12/1999", "01/02/2000"])),
        (name("active"), seen(&["J", "N"])),
        (name("city"), seen(&["Cork"])),
        (name("spare"), seen(&["soon"])),
        (name("died"), seen(&[" 31.12.1999", "00.00.0000"])),
        (name("name"), seen(&["Ada   ", "Bo"])),
    ]);
    let selected = Selected::default();

    let found =
        infer(&Schemas::of(&source, &destination), &Asked { known: &[], keys: KEYS, seen: &seen, selected: &selected });

    let text = spec(&found.drafts[0]);
    for line in [
        "auto_map: { exclude: [spare] } # city",
        "  born: { source_field: born, format: \"%d/%m/%Y\" }",
        "  active: { source_field: active, value_map: { \"J\": true, \"N\": false } }",
        "  died: { source_field: died, transformation: [trimmed, zero_date_to_null], format: \"%d.%m.%Y\" }",
        "  name: { source_field: name, transformation: trimmed }",
        "  # spare: TODO(infer): `spare` is like it, but none of 1 rows spells a day in a way that is known",
    ] {
        assert!(text.lines().any(|own| own == line), "{line}: {text}");
    }
    assert!(["soon", "Cork", "Ada"].iter().all(|value| !text.contains(value)), "a value of a row: {text}");
}

#[test]
fn a_name_that_was_taken_apart_is_put_together() {
    let lines = lines(
        "person: no integer! pk, first_nm text, last_nm text, shoe integer",
        "people: id uuid! pk, full_name text!, shoe integer",
    );
    let expected = "full_name: { source_field: [first_nm, last_nm], transformation: concat } # TODO(infer): 0.75, a name that was taken apart";
    assert!(lines.iter().any(|line| line == expected), "{lines:#?}");
}

#[test]
fn a_choice_of_tables_changes_no_pair() {
    let (source, destination) = (
        catalog("user: id integer! pk, mail text\nusers_old: id integer! pk, mail text"),
        catalog("users: id integer! pk, mail text"),
    );
    let seen = Observations::new();
    let name = TableName::parse("users_old").unwrap();
    let selected = Selected { sources: Some([name].into()), destinations: None };

    let found =
        infer(&Schemas::of(&source, &destination), &Asked { known: &[], keys: KEYS, seen: &seen, selected: &selected });

    assert!(found.drafts.is_empty(), "{found:?}");
    assert_eq!(found.unpaired_sources.len(), 1);
}

#[test]
fn every_guess_says_how_sure_it_is_and_why() {
    let found = inferred(
        "shop: no integer! pk, nm text, city_cd text, upd_ts timestamp",
        "shops: id uuid! pk, name text, city text, updated_at timestamp, rating integer",
    );
    for field in &found.drafts[0].fields {
        let is_left = matches!(field.fate, Fate::Left);
        assert_eq!(is_left, field.confidence == Confidence::NONE, "{field:?}");
        assert_eq!(is_left, field.doubts.is_empty() && field.notes.is_empty(), "{field:?}");
        assert_eq!(field.is_doubtful(), !field.doubts.is_empty(), "{field:?}");
        assert!(is_left || field.confidence >= Confidence::DRAFTED, "{field:?}");
    }
    assert!(matches!(found.drafts[0].key, KeyDraft::Uuid { .. }));
}

#[test]
fn entities_that_would_be_called_the_same_get_a_number() {
    let found = inferred(
        "sold-wares: no integer! pk, price decimal\nsold_wares: no integer! pk, weight decimal",
        "sold.wares: id integer! pk, price decimal\nsold/wares: id integer! pk, weight decimal",
    );
    let names: Vec<&str> = found.drafts.iter().map(|draft| draft.entity.as_str()).collect();
    assert_eq!(names, ["sold_wares", "sold_wares_2"]);
}
