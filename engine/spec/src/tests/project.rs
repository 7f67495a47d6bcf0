//! `transload.yaml`: what it may say, and what its variables become.

use serde_json::json;
use transload_model::Diagnostic;

use super::kit::{changed, good, places, prose, write, written};
use crate::Project;

/// Loads the good project with one text of `transload.yaml` replaced.
fn load(from: &str, to: &str, environment: &[(&str, &str)]) -> Result<Project, Vec<Diagnostic>> {
    let directory = written(&changed("transload.yaml", from, to));
    write(directory.path(), "schema.sql", b"create table t (a);");
    let get = |name: &str| environment.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned());
    Project::load(directory.path(), &get)
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
    assert_eq!(refused("vars:", "environments: {}\nvars:"), ["TL0109 transload.yaml:8:1"]);
    assert_eq!(refused("vars:", "vers:"), ["TL0105 transload.yaml:8:1", "TL0003 transload.yaml:10:40"]);
    assert_eq!(refused("type: sqlite", "type: postgres"), ["TL0109 transload.yaml:6:19"]);
    assert_eq!(refused("type: sqlite", "type: oracle"), ["TL0108 transload.yaml:6:19"]);
    assert_eq!(refused("sqlite:data/legacy.db", "postgres://u:hunter2@h/d"), ["TL0109 transload.yaml:6:32"]);
    assert_eq!(refused("sqlite:data/legacy.db", "data/legacy.db"), ["TL0004 transload.yaml:6:32"]);
    assert_eq!(refused("sqlite:data/legacy.db", "sqlite:"), ["TL0004 transload.yaml:6:32"]);
    assert_eq!(refused("sqlite:data/legacy.db", "sqlite::memory:"), ["TL0004 transload.yaml:6:32"]);
    assert_eq!(refused("url: \"sqlite:data/legacy.db\", ", ""), ["TL0107 transload.yaml:6:11"]);
    assert_eq!(refused("read_only: true", "pool: 8"), ["TL0109 transload.yaml:6:57"]);
    assert_eq!(refused("destination: platform", "destination: legacy"), ["TL0108 transload.yaml:4:14"]);
    assert_eq!(refused("vars:", "specs: '***'\nvars:"), ["TL0108 transload.yaml:8:8"]);
    assert_eq!(refused("vars:", "specs: 'none/*'\nvars:"), ["TL0008 transload.yaml:8:8"]);
    assert_eq!(refused("vars:", "execution: { parallel_entity_limit: 0 }\nvars:"), ["TL0108 transload.yaml:8:37"]);
    assert_eq!(refused("  deletes:", "  validation_rules: []\n  deletes:"), ["TL0109 transload.yaml:11:3"]);
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
