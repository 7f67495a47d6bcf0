//! `transload.yaml`: what it may say, and what its variables become.

use serde_json::json;
use transload_model::Diagnostic;

use super::kit::{PROJECT, changed, good, places, prose, write, written};
use crate::Project;

/// Loads the good project with one text of `transload.yaml` replaced.
fn load(from: &str, to: &str, environment: &[(&str, &str)]) -> Result<Project, Vec<Diagnostic>> {
    let directory = written(&changed("transload.yaml", from, to));
    write(directory.path(), "schema.sql", b"create table t (a);");
    let get = |name: &str| environment.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned());
    Project::load(directory.path(), None, &get)
}

fn refused(from: &str, to: &str) -> Vec<String> {
    places(&load(from, to, &[]).unwrap_err())
}

#[test]
fn paths_are_relative_to_the_project() {
    let directory = written(&good());
    let project = super::kit::load(directory.path()).unwrap();
    let root = project.root().display().to_string();
    let urls: Vec<String> = project.connections().map(|connection| connection.url.clone()).collect();
    assert_eq!(urls, [format!("sqlite:{root}/data/legacy.db"), format!("sqlite:{root}/data/platform.db")]);
    assert_eq!(project.control(), format!("sqlite:{root}/.transload/control.db"));
    assert_eq!(
        (project.name(), project.source().as_str(), project.destination().as_str()),
        ("clinic", "legacy", "platform")
    );
    let read_only: Vec<bool> = project.connections().map(|connection| connection.read_only).collect();
    assert_eq!(read_only, [true, false]);
}

#[test]
fn every_way_to_name_a_file_is_the_same_file() {
    for (url, path) in [
        ("url: \"sqlite:a.db\"", "/a.db"),
        ("url: \"sqlite://a.db\"", "/a.db"),
        ("url: \"sqlite:./a.db\"", "/a.db"),
        ("path: a.db", "/a.db"),
    ] {
        let project = load("url: \"sqlite:data/legacy.db\"", url, &[]).unwrap();
        let expected = format!("sqlite:{}{path}", project.root().display());
        assert_eq!(project.connections().next().unwrap().url, expected, "{url}");
    }
    let project = load("sqlite:data/legacy.db", "sqlite:///abs/a.db", &[]).unwrap();
    assert_eq!(project.connections().next().unwrap().url, "sqlite:/abs/a.db");
}

#[test]
fn the_script_that_creates_a_database_is_read() {
    let project = load("data/platform.db\" }", "data/platform.db\", create_with: schema.sql }", &[]).unwrap();
    assert_eq!(project.connections().nth(1).unwrap().create_with.as_deref(), Some("create table t (a);"));
    assert_eq!(
        refused("data/platform.db\" }", "data/platform.db\", create_with: none.sql }"),
        ["TL0007 transload.yaml:7:60"]
    );
}

#[test]
fn variables_come_from_the_environment_or_their_default() {
    let url = |to: &str, environment: &[(&str, &str)]| {
        let project = load("sqlite:data/legacy.db", to, environment).unwrap();
        let url = project.connections().next().unwrap().url.clone();
        url.strip_prefix(&format!("sqlite:{}/", project.root().display())).unwrap_or(&url).to_owned()
    };
    assert_eq!(url("${URL}", &[("URL", "sqlite:a.db")]), "a.db");
    assert_eq!(url("${URL:-sqlite:b.db}", &[]), "b.db");
    assert_eq!(url("${URL:-sqlite:b.db}", &[("URL", "")]), "b.db");
    assert_eq!(url("${URL:?set it}", &[("URL", "sqlite:a.db")]), "a.db");
    assert_eq!(url("sqlite:${A}/${B:-b}.db", &[("A", "a")]), "a/b.db");
    assert_eq!(url("sqlite:${vars.prefix}.db", &[]), "+1.db");
    assert_eq!(url("sqlite:$HOME.db", &[]), "$HOME.db");
}

#[test]
fn a_variable_that_is_not_set_is_named_and_its_value_is_never_shown() {
    let found = load("sqlite:data/legacy.db", "${URL:?copy .env.example to .env}", &[]).unwrap_err();
    insta::assert_snapshot!(found.iter().map(prose).collect::<String>(), @r#"
    TL0003 environment variable `URL` is not set
      transload.yaml:6:32 ["${URL:?copy .env.example to .env}"] this value needs it
      help: copy .env.example to .env
    "#);
    assert_eq!(refused("sqlite:data/legacy.db", "${URL}"), ["TL0003 transload.yaml:6:32"]);
    assert_eq!(refused("${vars.namespace}", "${vars.namespce}"), ["TL0003 transload.yaml:10:40"]);
    assert_eq!(refused("sqlite:data/legacy.db", "${URL"), ["TL0108 transload.yaml:6:32"]);
    assert_eq!(refused("sqlite:data/legacy.db", "${env.URL}"), ["TL0108 transload.yaml:6:32"]);
    assert_eq!(refused("prefix: \"+1\"", "prefix: \"${vars.namespace}\""), ["TL0108 transload.yaml:8:66"]);
    for (from, to) in [
        ("sqlite:data/legacy.db", "${SECRET}"),
        ("source: legacy", "source: ${SECRET}"),
        ("\"${vars.namespace}\"", "${SECRET}"),
        ("type: sqlite", "type: ${SECRET}"),
        ("mode: hard", "mode: ${SECRET}"),
        ("max: 10%", "max: ${SECRET}"),
        ("read_only: true", "read_only: \"${SECRET}\""),
    ] {
        let found = load(from, to, &[("SECRET", "postgres-hunter2")]).unwrap_err();
        let text: String = found.iter().map(prose).collect();
        assert!(!text.contains("hunter2"), "{text}");
    }
}

#[test]
fn a_variable_is_text_but_reads_as_a_number_or_boolean_where_one_is_expected() {
    let vars = |to: &str| load("\"+1\"", to, &[("N", "+1")]).unwrap().vars()["prefix"].clone();
    assert_eq!(vars("\"${N}\""), json!("+1"));
    assert_eq!(vars("\"1\""), json!("1"));
    assert_eq!(vars("1"), json!(1));
    assert_eq!(vars("true"), json!(true));
    assert_eq!(refused("\"+1\"", "+1"), ["TL0108 transload.yaml:8:66"]);
    assert_eq!(refused("\"+1\"", "[1]"), ["TL0106 transload.yaml:8:66"]);
    assert_eq!(refused("\"+1\"", "12345678901234567890"), ["TL0108 transload.yaml:8:66"]);
    let project = load("read_only: true", "read_only: \"${RO}\"", &[("RO", "false")]).unwrap();
    assert!(!project.connections().next().unwrap().read_only);
}

#[test]
fn what_a_project_does_not_have_is_refused() {
    assert_eq!(refused("version: 1", "version: 2"), ["TL0108 transload.yaml:2:10"]);
    assert_eq!(refused("version: 1\n", ""), ["TL0107 transload.yaml:1:1"]);
    assert_eq!(refused("vars:", "confirm: yes\nvars:"), ["TL0106 transload.yaml:8:10"]);
    assert_eq!(refused("vars:", "vers:"), ["TL0105 transload.yaml:8:1", "TL0003 transload.yaml:10:40"]);
    assert_eq!(refused("type: sqlite", "type: mysql"), ["TL0109 transload.yaml:6:19"]);
    assert_eq!(refused("type: sqlite", "type: oracle"), ["TL0108 transload.yaml:6:19"]);
    assert_eq!(refused("sqlite:data/legacy.db", "mysql://u:hunter2@h/d"), ["TL0109 transload.yaml:6:32"]);
    assert_eq!(refused("sqlite:data/legacy.db", "data/legacy.db"), ["TL0004 transload.yaml:6:32"]);
    assert_eq!(refused("sqlite:data/legacy.db", "sqlite:"), ["TL0004 transload.yaml:6:32"]);
    assert_eq!(refused("sqlite:data/legacy.db", "sqlite::memory:"), ["TL0004 transload.yaml:6:32"]);
    assert_eq!(refused("url: \"sqlite:data/legacy.db\", ", ""), ["TL0107 transload.yaml:6:11"]);
    assert_eq!(refused("read_only: true", "base_url: x"), ["TL0109 transload.yaml:6:57"]);
    assert_eq!(refused("destination: platform", "destination: legacy"), ["TL0108 transload.yaml:4:14"]);
    assert_eq!(refused("vars:", "specs: '***'\nvars:"), ["TL0108 transload.yaml:8:8"]);
    assert_eq!(refused("vars:", "specs: 'none/*'\nvars:"), ["TL0008 transload.yaml:8:8"]);
    assert_eq!(refused("vars:", "execution: { parallel_entity_limit: 0 }\nvars:"), ["TL0108 transload.yaml:8:37"]);
    assert_eq!(refused("vars:", "execution: { snapshot_max_age: 367d }\nvars:"), ["TL0108 transload.yaml:8:32"]);
    assert_eq!(refused("  deletes:", "  destination: {}\n  deletes:"), ["TL0109 transload.yaml:11:3"]);
}

/// The good project with another destination, given as the text between the braces.
fn platform(keys: &str) -> Result<Project, Vec<Diagnostic>> {
    load("url: \"sqlite:data/platform.db\"", keys, &[])
}

#[test]
fn a_server_is_a_connection_with_all_that_counts() {
    let of = |keys: &str| {
        let project = platform(keys).unwrap();
        let plan = project.connections().nth(1).unwrap().clone();
        (plan.system, plan.url, plan.schema, plan.pool, plan.read_only)
    };
    let url = "postgres://me:pw@db/clinic?sslmode=verify-full".to_owned();
    let plain = ("postgres".to_owned(), url.clone(), "public".to_owned(), 8, false);
    assert_eq!(of("url: \"postgres://me:pw@db/clinic\""), plain);
    assert_eq!(of("type: postgres, url: \"postgresql://me:pw@db/clinic\""), plain);
    assert_eq!(
        of("url: \"postgres://me:pw@db/clinic\", schema: \"New Clinic\", pool: 100"),
        ("postgres".to_owned(), url, "New Clinic".to_owned(), 100, false)
    );
    let project = platform("url: \"postgres://me@db/clinic?sslrootcert=ca.pem\", create_with: schema.sql").unwrap();
    let plan = project.connections().nth(1).unwrap();
    assert_eq!(plan.create_with.as_deref(), Some("create table t (a);"));
    let certificate = project.root().join("ca.pem").display().to_string().replace('/', "%2F");
    assert!(plan.url.ends_with(&format!("sslrootcert={certificate}")), "{}", plan.url);
    let sqlite = load("read_only: true", "read_only: true", &[]).unwrap();
    let legacy = sqlite.connections().next().unwrap();
    assert_eq!((legacy.system.as_str(), legacy.schema.as_str()), ("sqlite", ""));
}

#[test]
fn the_control_store_may_be_a_server() {
    let control = |url: &str| load("vars:", &format!("control: \"{url}\"\nvars:"), &[("URL", "postgres://me:pw@db/c")]);
    assert_eq!(control("${URL}").unwrap().control(), "postgres://me:pw@db/c?sslmode=verify-full");
    assert_eq!(places(&control("${URL}?sslmode=require").unwrap_err()), ["TL0004 transload.yaml:8:10"]);
    assert_eq!(places(&control("mysql://u@h/d").unwrap_err()), ["TL0109 transload.yaml:8:10"]);
}

#[test]
fn keys_of_one_system_are_refused_on_the_other() {
    let refused = |keys: &str| places(&platform(keys).unwrap_err());
    let url = "url: \"postgres://me@db/c\"";
    assert_eq!(refused("type: postgres"), ["TL0107 transload.yaml:7:13"]);
    assert_eq!(refused("type: postgres, path: data/platform.db"), ["TL0108 transload.yaml:7:31"]);
    assert_eq!(refused(&format!("{url}, path: a.db")), ["TL0108 transload.yaml:7:42"]);
    assert_eq!(refused(&format!("type: sqlite, {url}")), ["TL0108 transload.yaml:7:21"]);
    assert_eq!(refused("type: postgres, url: \"sqlite:a.db\""), ["TL0108 transload.yaml:7:21"]);
    assert_eq!(refused(&format!("{url}, pool: 1")), ["TL0108 transload.yaml:7:48"]);
    assert_eq!(refused(&format!("{url}, pool: 101")), ["TL0108 transload.yaml:7:48"]);
    assert_eq!(refused(&format!("{url}, schema: \"\"")), ["TL0108 transload.yaml:7:50"]);
    let found = platform("path: a.db, schema: public, pool: 0").unwrap_err();
    insta::assert_snapshot!(found.iter().map(prose).collect::<String>(), @r"
    TL0108 connection `platform` has a `schema`, and a SQLite file has no schemas
      transload.yaml:7:27 [schema] this key
      note: it is a key of PostgreSQL connections
      help: take it out
    TL0108 connection `platform` has a `pool`, and a SQLite file has no pool of connections
      transload.yaml:7:43 [pool] this key
      note: it is a key of PostgreSQL connections
      help: take it out
    ");
}

#[test]
fn a_url_from_the_environment_is_never_said() {
    for (to, url) in [
        ("${URL}", "postgres://migrator:hunter2@vault.example/clinic?sslmode=disable"),
        ("${URL}", "postgres://migrator:hun?ter2@vault.example/clinic"),
        ("${URL}", "postgresql://migrator:hun#ter2@vault.example/clinic"),
        ("postgres://${URL}", "migrator:hunter2@vault.example"),
        ("${URL}", "mysql://migrator:hunter2@vault.example/clinic"),
        ("${URL}", "migrator:hunter2@vault.example/clinic"),
        ("postgres://migrator:${URL}@vault.example/clinic?options=${URL}", "hunter2"),
    ] {
        let found = load("type: sqlite, url: \"sqlite:data/legacy.db\"", &format!("url: \"{to}\""), &[("URL", url)]);
        for found in found.unwrap_err() {
            let said = format!("{} {:?} {:?} {:?}", found.headline, found.notes, found.help, found.labels[0].text);
            for secret in ["hun", "ter2", "migrator", "vault"] {
                assert!(!said.contains(secret), "{said}");
            }
            let shown = found.labels[0].file.text.get(found.labels[0].span.clone()).unwrap();
            assert_eq!(shown.trim_matches('"'), to, "the label is at the value in the file");
        }
    }
}

#[test]
fn all_problems_of_the_project_come_at_once() {
    let files = changed("transload.yaml", "type: sqlite, url: \"sqlite:data/legacy.db\"", "typ: sqlite, url: x");
    let files = files.into_iter().map(|(path, text)| (path, text.replace("version: 1\n", "version: x\n"))).collect();
    let found = super::kit::load(written(&files).path()).unwrap_err();
    assert_eq!(
        places(&found),
        ["TL0106 transload.yaml:2:10", "TL0105 transload.yaml:6:13", "TL0004 transload.yaml:6:31"]
    );
}

#[test]
fn a_catalog_that_is_missing_stops_the_plan() {
    let directory = written(&good());
    let project = super::kit::load(directory.path()).unwrap();
    let mut catalogs = super::kit::catalogs();
    catalogs.remove(project.destination());
    let compiled = crate::compile(&project, &super::vocabulary::FewWords { library: 7 }, &catalogs);
    assert!(compiled.plan.is_none());
    assert_eq!(places(&compiled.diagnostics), ["TL0005 "]);
}

/// A source that holds some of the tables that the specs read.
fn wrong_source(project: &str, tables: &[&str]) -> Vec<Diagnostic> {
    let mut files = good();
    files.insert("transload.yaml".to_owned(), project.to_owned());
    let positions = "source: { where: \"tooth_no > 3\" }\ndepends_on";
    let text = files["specs/positions.yaml"].replace("depends_on", positions);
    files.insert("specs/positions.yaml".to_owned(), text);
    let project = super::kit::load(written(&files).path()).unwrap();
    let mut catalogs = super::kit::catalogs();
    let held = catalogs.get_mut(project.source()).unwrap();
    held.tables.clear();
    tables.iter().for_each(|name| super::kit::add(held, super::kit::table(name, &[], &[("x", "text")])));
    let refused = Diagnostic::new(transload_model::Code::SourceSql, "no such table: jaw_types");
    held.written.insert(transload_model::EntityName::parse("positions").unwrap(), Err(refused));
    crate::compile(&project, &super::vocabulary::FewWords { library: 7 }, &catalogs).diagnostics
}

#[test]
fn a_source_that_holds_no_table_of_the_specs_is_told_once() {
    let found = wrong_source(PROJECT, &["albums"]);
    assert_eq!(places(&found), ["TL0204 "]);
    let told = prose(&found[0]);
    for text in ["wrong database", "none of the 3 source tables", "`legacy`", "data/legacy.db", "`dispatch_doctors`"] {
        assert!(told.contains(text), "no {text:?}: {told}");
    }
    let server = "type: postgres, url: \"postgres://reader:hunter2@old-db.example:5433/clinic?connect_timeout=5\"";
    let project = PROJECT.replace("type: sqlite, url: \"sqlite:data/legacy.db\"", server);
    let found = wrong_source(&project, &[]);
    assert_eq!(places(&found), ["TL0204 "]);
    let told = prose(&found[0]);
    assert!(told.contains("old-db.example:5433/clinic") && told.contains("schema `public`"), "{told}");
    assert!(!told.contains("reader") && !told.contains("hunter2") && !told.contains("timeout"), "{told}");
}

/// What names fields of a star is not wrong by the tables that are not there.
#[test]
fn a_destination_that_holds_no_table_of_the_specs_is_told_once() {
    let told = |project: &str, tables: &[&str], schema: Option<&str>| {
        let mut files = changed("specs/doctors.yaml", "field_mappings:", "auto_map: true\nfield_mappings:");
        files.insert("transload.yaml".to_owned(), project.to_owned());
        let rules = "validation_rules:\n  - { field_name: visits, rule_type: required }";
        let tests = "tests:\n  - { name: t, given: { row: { doc_no: 1 } }, expect: { row: { visits: 3 } } }\n";
        let doctors = files["specs/doctors.yaml"].replacen("validation_rules:", rules, 1) + tests;
        files.insert("specs/doctors.yaml".to_owned(), doctors);
        let project = super::kit::load(written(&files).path()).unwrap();
        let mut catalogs = super::kit::catalogs();
        let held = catalogs.get_mut(project.destination()).unwrap();
        held.tables.clear();
        held.missing_schema = schema.map(str::to_owned);
        tables.iter().for_each(|name| super::kit::add(held, super::kit::table(name, &[], &[("x", "text")])));
        let found = crate::compile(&project, &super::vocabulary::FewWords { library: 7 }, &catalogs).diagnostics;
        let root = project.root().display().to_string();
        found.iter().map(prose).collect::<String>().replace(&root, "ROOT")
    };
    let server = "type: postgres, url: \"postgres://me@new-db.example/clinic\", schema: nosuch";
    let server = PROJECT.replace("url: \"sqlite:data/platform.db\"", server);
    let all = [told(PROJECT, &[], None), told(PROJECT, &["albums"], None), told(&server, &[], Some("nosuch"))];
    insta::assert_snapshot!(all.join("\n"), @r"
    TL0204 `platform` is empty: it has none of the 3 destination tables that the specs write
      note: `platform` is the file ROOT/data/platform.db, which holds no table
      note: looked for `doctors`, `offices`, `positions`
      help: create its tables, or name a script that does: `create_with: schema.sql`; or correct `platform` under `connections` in transload.yaml, or choose another environment with `--env`

    TL0204 `platform` seems to be the wrong database: it has none of the 3 destination tables that the specs write
      note: `platform` is the file ROOT/data/platform.db, which holds one table: `albums`
      note: looked for `doctors`, `offices`, `positions`
      help: correct `platform` under `connections` in transload.yaml, or choose another environment with `--env`

    TL0204 `platform` has no schema `nosuch`, and so none of the 3 destination tables that the specs write
      note: `platform` is new-db.example:5432/clinic, schema `nosuch`, which holds no table
      note: looked for `doctors`, `offices`, `positions`
      help: correct `schema` of `platform` under `connections` in transload.yaml, or create it and its tables; `create_with: schema.sql` does
    ");
}

#[test]
fn a_source_with_names_that_are_nearly_right_is_told_of_each() {
    for tables in [&["DISPATCH_OFFICES", "DISPATCH_DOCTORS", "JAW_TYPES"][..], &["dispatch_offices", "jaw_types"]] {
        let found = wrong_source(PROJECT, tables);
        assert!(!found.iter().any(|found| found.headline.contains("wrong database")), "{found:?}");
        assert!(places(&found).contains(&"TL0204 specs/doctors.yaml:2:15".to_owned()), "{found:?}");
    }
}
