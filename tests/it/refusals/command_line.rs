//! The command line itself.

use crate::world::World;

#[test]
fn a_wrong_flag_is_refused_before_anything_is_looked_at() {
    let world = World::empty();
    let wrong: &[(&[&str], &str)] = &[
        (&["run", "--nope"], "'--nope'"),
        (&["run", "extra"], "'extra'"),
        (&["run", "--max-deletes", "many"], "a number of rows (50) or a percentage (2.5%) is expected"),
        (&["run", "--max-deletes", "101%"], "a number of rows (50) or a percentage (2.5%) is expected"),
        (&["validate", "--format", "xml"], "[possible values: text, json, concise, github, gitlab, junit, sarif]"),
        (&["--format", "svg", "validate"], "'text', 'json', 'concise', 'github', 'gitlab', 'junit' or 'sarif'"),
        (&["validate", "--format", "svg"], "[possible values: text, json, concise, github, gitlab, junit, sarif]"),
        (&["status", "--format", "sarif"], "[possible values: text, json]"),
        (&["quarantine", "show", "--format", "sarif"], "[possible values: text, json]"),
        (&["--format", "concise", "explain"], "'text' or 'json'"),
        (&["graph", "--format", "junit"], "[possible values: text, json, mermaid, dot, svg]"),
        (&["graph", "--format", "dot", "--edges"], "Usage: transload graph"),
        (&["validate", "--project"], "--project <DIR>"),
        (&["init"], "<NAME>"),
        (&["init"], "'transload init NAME --demo'"),
        (&["init", "x"], "'transload init NAME --demo'"),
        (&["init", "x"], "'transload infer'"),
        (&["init", "x"], "'transload demo'"),
        (&["init", "x", "--demo", "--env", "dev"], "leave '--env' out"),
        (&["explain", "--env", "dev"], "leave '--env' out"),
        (&["--env", "dev", "explain", "TL0203"], "leave '--env' out"),
        (&["demo", "-C", "here"], "transload demo DIR"),
        (&["init", "x", "--demo", "-C", "here"], "transload init DIR"),
        (&["explain", "-C", "here"], "asks no project"),
        (&["migrate"], "'migrate'"),
        (&[], "Usage: transload"),
    ];
    for (arguments, says) in wrong {
        let told = world.transload(arguments);

        assert_eq!(told.code, 2, "{arguments:?}: {told:?}");
        assert!(told.stderr.contains(says), "{arguments:?}: {}", told.stderr);
        assert_eq!(told.stdout, "", "{arguments:?}");
    }
    assert_eq!(std::fs::read_dir(world.path()).unwrap().count(), 0);
}

#[test]
fn every_verbs_help_ends_with_examples() {
    let world = World::empty();
    let overview = world.transload(&["--help"]);
    assert_eq!(overview.code, 0);
    let verbs: Vec<&str> = overview
        .stdout
        .lines()
        .skip_while(|line| *line != "Commands:")
        .skip(1)
        .take_while(|line| !line.is_empty())
        .filter_map(|line| line.split_whitespace().next())
        .filter(|verb| *verb != "help")
        .collect();
    assert_eq!(
        verbs,
        [
            "demo",
            "init",
            "infer",
            "validate",
            "schema",
            "graph",
            "test",
            "preview",
            "baseline",
            "detect",
            "verify",
            "drift",
            "run",
            "pause",
            "resume",
            "cancel",
            "status",
            "adopt",
            "quarantine",
            "explain"
        ]
    );

    for verb in std::iter::once(None).chain(verbs.into_iter().map(Some)) {
        let arguments: Vec<&str> = verb.into_iter().chain(["--help"]).collect();
        let told = world.transload(&arguments);

        assert_eq!(told.code, 0, "{told:?}");
        let (_, examples) = told.stdout.split_once("\nExamples:\n").unwrap_or_else(|| panic!("{verb:?}: {told:?}"));
        let shown = format!("  transload {}", verb.unwrap_or_default());
        assert!(examples.lines().any(|line| line.starts_with(shown.trim_end())), "{verb:?}: {examples}");
        assert!(examples.lines().all(|line| line.starts_with("  ")), "{verb:?} does not end with them: {examples}");
    }
}

#[test]
fn help_lists_the_formats_that_the_verb_gives() {
    let world = World::empty();
    let reports = ["text", "json", "concise", "github", "gitlab", "junit", "sarif"];
    let expected: [(&[&str], &[&str]); 8] = [
        (&["validate"], &reports),
        (&["run"], &reports),
        (&["quarantine", "retry"], &reports),
        (&["quarantine", "list"], &["text", "json"]),
        (&["quarantine"], &["text", "json"]),
        (&["status"], &["text", "json"]),
        (&["graph"], &["text", "json", "mermaid", "dot", "svg"]),
        (&["resume"], &["text", "json"]),
    ];
    for (verb, formats) in expected {
        let told = world.transload(&[verb, &["--help"]].concat());
        let (_, behind) = told.stdout.split_once("--format <FORMAT>").unwrap();
        let (list, _) = behind.split_once("[default: text]").unwrap();
        let listed: Vec<&str> = list
            .lines()
            .filter_map(|line| line.trim().strip_prefix("- ")?.split_once(':'))
            .map(|(name, _)| name)
            .collect();
        assert_eq!(listed, formats, "{verb:?}");
        // And each is taken: there is no project here, which is another problem.
        for format in formats {
            let told = world.transload(&[verb, &["--format", format]].concat());
            assert!(!told.stderr.contains("possible values"), "{verb:?} {format}: {told:?}");
        }
    }
}

#[test]
fn a_part_of_an_id_that_is_not_enough_is_answered_with_the_runs_there_are() {
    let world = super::library(1);
    let ids: Vec<String> = (0..2).map(|_| world.run()["run_id"].as_str().unwrap().to_owned()).collect();
    let short = ids.iter().map(|id| format!("`{}`", &id[id.len() - 8..]));
    let short: Vec<String> = short.collect();
    let listed: Vec<&str> = short.iter().map(String::as_str).collect();

    for verb in ["status", "pause"] {
        super::assert_told("ambiguous", &world.transload(&[verb, "0"]), "TL0009", 2, &listed);
        super::assert_told("unknown", &world.transload(&[verb, "nothing"]), "TL0009", 2, &listed);
    }
    for part in [&ids[0][..], &ids[0][..18], &short[0][1..9]] {
        let told = world.transload(&["status", part]);
        assert!(told.code == 0 && told.stdout.contains(&ids[0]), "{part}: {told:?}");
    }
}

#[test]
fn what_does_not_exist_is_answered_with_what_is_near() {
    let world = super::library(1);
    world.run();
    let unknown: [(&[&str], &str, &str); 5] = [
        (&["status", "ffffffff"], "TL0009", "`transload status` lists the runs"),
        (&["quarantine", "boocks"], "TL0011", "did you mean `books`?"),
        (&["explain", "TL9999"], "TL0010", "help:"),
        (&["run", "--env", "prod"], "TL0012", "`transload.yaml` has no `environments`"),
        (&["validate", "-C", "nowhere"], "TL0001", "--project DIR"),
    ];
    for (arguments, code, says) in unknown {
        super::assert_told(code, &world.transload(arguments), code, 2, &[says]);
    }
}

#[test]
fn pages_are_told_to_programs_too() {
    let world = World::empty();
    let explained = |what: &[&str]| -> serde_json::Value {
        let told = world.transload(&[&["explain", "--format", "json"], what].concat());
        serde_json::from_str(&told.stdout).unwrap_or_else(|error| panic!("{error}: {told:?}"))
    };

    assert_eq!(explained(&["TL0203"])["code"], "UNKNOWN_COLUMN");
    assert_eq!(explained(&["trimmed"])["function"], "trimmed");
    assert!(explained(&[])["codes"].as_array().unwrap().len() > 100);
}

#[test]
fn the_beginning_of_a_name_is_enough_to_suggest_it() {
    let world = World::clinic();
    for (arguments, says) in [(["preview", "pat"], "`patients`?"), (["explain", "trim"], "`trimmed`?")] {
        let told = world.transload(&arguments);
        assert_eq!(told.code, 2, "{told:?}");
        assert!(told.stderr.contains(says), "{told:?}");
    }
}
