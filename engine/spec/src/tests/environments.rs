//! `environments`: what one changes, which is chosen, and what is checked in those that are not.

use serde_json::json;
use transload_model::{ConnectionPlan, Diagnostic};

use super::kit::{changed, compile_good, places, prose, written};
use crate::Project;

const ENVIRONMENTS: &str = r#"default_environment: dev
environments:
  dev: {}
  staging:
    connections: { platform: { url: "${STAGING_URL}", pool: 16 } }
    vars: { prefix: "+44" }
  prod:
    source: archive
    connections:
      platform: { path: data/prod.db }
      archive: { path: data/archive.db }
    defaults: { deletes: { max: 1 }, load: { max_errors: 0 } }
    execution: { parallel_entity_limit: 4 }
"#;

/// Loads the good project with environments, one text of them replaced.
fn load(
    chosen: Option<&str>,
    (from, to): (&str, &str),
    variables: &[(&str, &str)],
) -> Result<Project, Vec<Diagnostic>> {
    assert!(ENVIRONMENTS.contains(from), "{from}");
    let text = format!("{}vars:", ENVIRONMENTS.replacen(from, to, 1));
    let directory = written(&changed("transload.yaml", "vars:", &text));
    let get = |name: &str| variables.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned());
    Project::load(directory.path(), chosen, &get)
}

fn chosen(name: &str) -> Project {
    load(Some(name), ("", ""), &[("STAGING_URL", "postgres://me:pw@staging/clinic")]).unwrap()
}

fn refused(chosen: Option<&str>, from: &str, to: &str) -> Vec<String> {
    places(&load(chosen, (from, to), &[]).unwrap_err())
}

/// What a plan says of a connection: its URL without the project's directory.
fn connection(project: &Project, name: &str) -> ConnectionPlan {
    let found = project.connections().find(|connection| connection.name.as_str() == name).unwrap();
    let url = found.url.replace(&project.root().display().to_string(), "");
    ConnectionPlan { url, ..found.clone() }
}

#[test]
fn without_a_choice_the_default_counts_and_no_other_needs_its_variables() {
    let project = load(None, ("", ""), &[]).unwrap();
    assert_eq!(project.environment(), "dev");
    assert_eq!(connection(&project, "platform").url, "sqlite:/data/platform.db");
    let project = load(None, ("default_environment: dev\n", ""), &[]).unwrap();
    assert_eq!(project.environment(), "default");
}

#[test]
fn maps_merge_key_by_key_and_all_else_replaces() {
    let project = chosen("prod");
    assert_eq!((project.environment(), project.source().as_str()), ("prod", "archive"));
    assert_eq!(connection(&project, "platform").url, "sqlite:/data/prod.db");
    assert_eq!(connection(&project, "archive").url, "sqlite:/data/archive.db");
    assert_eq!(connection(&project, "legacy").url, "sqlite:/data/legacy.db", "what it does not name stays");
    assert_eq!(project.vars()["prefix"], json!("+1"));
    assert_eq!(project.parallel_entity_limit, 4);
    let deletes = format!("{:?}", project.defaults.piece.deletes);
    assert!(deletes.contains("Hard") && deletes.contains("Rows(1)"), "{deletes}");
    assert_eq!(chosen("staging").vars()["prefix"], json!("+44"));
    assert_eq!(chosen("staging").vars().len(), 2);
}

#[test]
fn another_place_of_a_connection_forgets_where_it_was() {
    let platform = connection(&chosen("staging"), "platform");
    assert_eq!(
        (platform.system.as_str(), platform.url.as_str(), platform.pool),
        ("postgres", "postgres://me:pw@staging/clinic?sslmode=verify-full", 16)
    );
    // A type alone is another place too.
    assert_eq!(refused(Some("prod"), "path: data/prod.db", "type: postgres"), ["TL0107 transload.yaml:7:13"]);
    // All other keys stay.
    let legacy = ("{ path: data/archive.db }", "{ path: data/archive.db }\n      legacy: { path: data/old.db }");
    let project = load(Some("prod"), legacy, &[]).unwrap();
    assert!(connection(&project, "legacy").read_only);
}

#[test]
fn what_is_wrong_with_a_merged_value_is_shown_where_it_was_written() {
    assert_eq!(refused(Some("staging"), "", ""), ["TL0003 transload.yaml:12:37"]);
    let found = load(Some("staging"), ("", ""), &[("STAGING_URL", "postgres://me:pw@staging/clinic?sslmode=allow")]);
    assert_eq!(places(&found.unwrap_err()), ["TL0004 transload.yaml:12:37"]);
    assert_eq!(refused(Some("prod"), "source: archive", "source: archiv"), ["TL0208 transload.yaml:15:13"]);
    assert_eq!(refused(Some("prod"), "load: { max_errors: 0 }", "load: 5"), ["TL0106 transload.yaml:19:44"]);
    // The base's own values are still the base's.
    assert_eq!(refused(Some("prod"), "max: 1", "mode: gone"), ["TL0108 transload.yaml:19:34"]);
}

#[test]
fn keys_of_every_environment_are_checked() {
    let wrong = |from: &str, to: &str| {
        let (one, other) = (refused(None, from, to), refused(Some("prod"), from, to));
        assert_eq!(one, other, "{to}");
        one
    };
    assert_eq!(wrong("  dev: {}", "  dev: { conections: {} }"), ["TL0105 transload.yaml:10:10"]);
    assert_eq!(wrong("  dev: {}", "  dev: { project: x }"), ["TL0105 transload.yaml:10:10"]);
    assert_eq!(wrong("  dev: {}", "  dev: { version: 1 }"), ["TL0105 transload.yaml:10:10"]);
    assert_eq!(wrong("  dev: {}", "  dev: { environments: {} }"), ["TL0105 transload.yaml:10:10"]);
    assert_eq!(wrong("  dev: {}", "  dev: { default_environment: dev }"), ["TL0105 transload.yaml:10:10"]);
    assert_eq!(wrong("  dev: {}", "  dev:"), ["TL0106 transload.yaml:10:6"]);
    assert_eq!(wrong("pool: 16", "pol: 16"), ["TL0105 transload.yaml:12:55"]);
    assert_eq!(wrong("max: 1", "maximum: 1"), ["TL0105 transload.yaml:19:28"]);
    assert_eq!(wrong("load: {", "lod: {"), ["TL0105 transload.yaml:19:38"]);
    assert_eq!(wrong("parallel_entity_limit", "parallel"), ["TL0105 transload.yaml:20:18"]);
    assert_eq!(wrong("  dev: {}", "  dev: {}\n  'a b': {}"), ["TL0108 transload.yaml:11:3"]);
    assert_eq!(wrong("  dev: {}", "  dev: { x-note: 1 }\n  x-other: 5\n  x: { y: 1 }"), ["TL0105 transload.yaml:12:8"]);
}

/// A name that nothing else has would be another connection, which nobody reads or writes.
#[test]
fn names_that_only_an_environment_has_are_refused_in_all_of_them() {
    let wrong = |from: &str, to: &str| {
        let (one, other) = (refused(None, from, to), refused(Some("prod"), from, to));
        assert_eq!(one, other, "{to}");
        one
    };
    let dev = |text: &str| wrong("  dev: {}", &format!("  dev: {{ {text} }}"));
    assert_eq!(dev("connections: { platfrom: { path: data/dev.db } }"), ["TL0208 transload.yaml:10:25"]);
    assert_eq!(dev("source: legcy"), ["TL0208 transload.yaml:10:18"]);
    assert_eq!(dev("source: [legacy]"), ["TL0106 transload.yaml:10:18"]);
    assert_eq!(dev("destination: archive"), ["TL0208 transload.yaml:10:23"], "another environment has it");
    assert_eq!(dev("vars: { prefx: x }"), ["TL0212 transload.yaml:10:18"]);
    // The misspelt choice is the cause.
    assert_eq!(wrong("source: archive", "source: archiv"), ["TL0208 transload.yaml:15:13"]);
    assert_eq!(wrong("source: archive", "x-source: archive"), ["TL0208 transload.yaml:18:7"]);
    let found = load(
        None,
        ("  dev: {}", "  dev: { connections: { platfrom: { path: a.db } }, vars: { prefx: x, of_my_own: y } }"),
        &[],
    );
    insta::assert_snapshot!(found.unwrap_err().iter().map(prose).collect::<String>(), @r"
    TL0208 environment `dev` has a connection `platfrom`, which the project does not have
      transload.yaml:10:25 [platfrom] neither among `connections` of the project, nor the source or destination here
      help: did you mean `platform`?
    TL0212 environment `dev` sets a variable `prefx`, which the project does not have
      transload.yaml:10:61 [prefx] not among `vars` of the project
      help: did you mean `prefix`?
    TL0212 environment `dev` sets a variable `of_my_own`, which the project does not have
      transload.yaml:10:71 [of_my_own] not among `vars` of the project
      help: write it under `vars` of the project, too
    ");
}

#[test]
fn names_that_an_environment_needs_are_its_own() {
    for dev in [
        "source: other, connections: { other: { path: a.db } }",
        "source: \"${WHICH:-legacy}\", connections: { other: { path: a.db } }",
        "vars: { file: a.db }, connections: { platform: { path: \"${vars.file}\" } }",
        "x-vars: { prefx: x }, vars: { x-prefx: x }",
    ] {
        load(None, ("  dev: {}", &format!("  dev: {{ {dev} }}")), &[]).unwrap();
    }
    let everywhere = "environments: { a: { vars: { own: x } }, b: { vars: { own: y } } }\nvars:";
    let load = |text: &str| Project::load(written(&changed("transload.yaml", "vars:", text)).path(), None, &|_| None);
    load(everywhere).unwrap();
    assert_eq!(places(&load(&everywhere.replace("b: { vars: { own: y }", "b: {")).unwrap_err()).len(), 1);
    let alone = everywhere.replace(", b: { vars: { own: y } }", "");
    assert_eq!(places(&load(&alone).unwrap_err()), ["TL0212 transload.yaml:8:30"]);
}

/// A script for one system makes tables of its types in another.
#[test]
fn a_script_that_makes_tables_is_not_for_another_system() {
    let script = |platform: &str, variables: &[(&str, &str)]| {
        let mut files = changed("transload.yaml", "data/platform.db\" }", "data/platform.db\", create_with: a.sql }");
        *files.get_mut("transload.yaml").unwrap() +=
            &format!("environments: {{ other: {{ connections: {{ platform: {{ {platform} }} }} }} }}\n");
        files.insert("a.sql".to_owned(), "a".to_owned());
        files.insert("b.sql".to_owned(), "b".to_owned());
        let get = |name: &str| variables.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned());
        let directory = written(&files);
        let shown = Project::merged(directory.path(), Some("other"), &get).unwrap();
        let project = Project::load(directory.path(), Some("other"), &get).unwrap();
        let found = connection(&project, "platform").create_with;
        assert_eq!(shown.contains("create_with"), found.is_some(), "{shown}");
        found
    };
    let server = "postgres://me@localhost/clinic?sslmode=disable";
    assert_eq!(script("pool: 4, url: \"postgres://me@localhost/clinic?sslmode=disable\"", &[]), None);
    assert_eq!(script("url: \"${URL}\"", &[("URL", server)]), None);
    assert_eq!(script("url: \"${URL:-postgres://me@localhost/clinic?sslmode=disable}\"", &[]), None);
    assert_eq!(script("type: postgres, url: \"${URL}\", create_with: b.sql", &[("URL", server)]).as_deref(), Some("b"));
    assert_eq!(script("path: b.db", &[]).as_deref(), Some("a"));
    assert_eq!(script("url: \"${URL}\"", &[("URL", "sqlite:b.db")]).as_deref(), Some("a"));
    assert_eq!(script("url: \"${URL:-sqlite:b.db}\"", &[]).as_deref(), Some("a"));
}

#[test]
fn an_environment_that_is_not_there_is_named_with_those_that_are() {
    let found = load(Some("pord"), ("", ""), &[]).unwrap_err();
    let default = load(None, ("environment: dev", "environment: devel"), &[]).unwrap_err();
    let none = Project::load(written(&super::kit::good()).path(), Some("prod"), &|_| None).unwrap_err();
    insta::assert_snapshot!(found.iter().chain(&default).chain(&none).map(prose).collect::<String>(), @r"
    TL0012 the project has no environment `pord`
      note: its environments are `dev`, `staging`, `prod`
      help: did you mean `prod`?
    TL0012 the project has no environment `devel`
      transload.yaml:8:22 [devel] the default
      note: its environments are `dev`, `staging`, `prod`
      help: did you mean `dev`?
    TL0012 the project has no environment `prod`
      note: `transload.yaml` has no `environments`
    ");
    assert_eq!(refused(Some(""), "", ""), ["TL0012 "]);
    assert_eq!(refused(Some("x-note"), "  dev: {}", "  dev: {}\n  x-note: {}"), ["TL0012 "]);
    assert_eq!(refused(None, "environment: dev", "environment: [dev]"), ["TL0106 transload.yaml:8:22"]);
}

#[test]
fn an_environment_moves_the_fingerprint_of_what_sees_it() {
    let fingerprints = |script: &str, environment: &str| {
        let mut files = changed("specs/doctors.yaml", "${row.doc_no}", script);
        files.get_mut("transload.yaml").unwrap().push_str("environments: { dev: {}, other: {} }\n");
        let project = Project::load(written(&files).path(), Some(environment), &|_| None).unwrap();
        let plan = compile_good(&project).plan.unwrap();
        ["doctors", "offices"]
            .map(|entity| plan.entities().iter().find(|plan| plan.name.as_str() == entity).unwrap().plan_fingerprint)
    };
    let (dev, other) = (fingerprints("${env}", "dev"), fingerprints("${env}", "other"));
    assert_ne!(dev[0], other[0], "its script looks at the environment's name");
    assert_eq!(dev[1], other[1]);
    assert_eq!(fingerprints("${row.doc_no}", "dev"), fingerprints("${row.doc_no}", "other"), "none looks at it");
}
