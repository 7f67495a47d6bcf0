//! The sandbox: a script takes what it is given, costs what a row may cost, and leaves nothing behind (table B of the fault catalogue).

use transload_model::Code;

use super::given::Given;
use super::scripts::{problem, problems, run, word};

#[test]
fn b01_endless_loops_are_stopped() {
    assert_eq!(run("loop {}", Some("a")), "SCRIPT_LIMIT: the script takes more steps than a row may cost (line 1)");
    assert_eq!(word("while true { }"), "SCRIPT_LIMIT");
    assert_eq!(word("for x in 0..1000000000000 {}"), "SCRIPT_LIMIT");
    assert_eq!(word("try { loop {} } catch { 1 }"), "SCRIPT_LIMIT");
}

#[test]
fn b02_recursion_is_stopped() {
    assert_eq!(word("fn f(x) { f(x + 1) } f(1)"), "SCRIPT_LIMIT");
    assert_eq!(word("fn f(x) { if x == 0 { \"deep\" } else { f(x - 1) } } f(28)"), "deep");
    assert_eq!(word("fn f(x) { if x == 0 { \"deep\" } else { f(x - 1) } } f(40)"), "SCRIPT_LIMIT");
    // The depth that the limits allow fits the stack of any thread.
    let nested =
        format!("fn f(x) {{ if x == 0 {{ 0 }} else {{ {}f(x - 1){} }} }} f(30)", "(1 + ".repeat(7), ")".repeat(7));
    assert_eq!(word(&nested), "210");
    let through_closures =
        |depth| format!("fn f(x) {{ if x == 0 {{ \"deep\" }} else {{ [x].map(|y| f(y - 1))[0] }} }} f({depth})");
    assert_eq!(word(&through_closures(8)), "deep");
    assert_eq!(word(&through_closures(1_000)), "SCRIPT_LIMIT");
}

#[test]
fn b03_nested_expressions_are_refused() {
    for body in [
        "(".repeat(10_000),
        "[".repeat(10_000),
        "{".repeat(10_000),
        "-".repeat(10_000) + "1",
        "1+".repeat(10_000) + "1",
        "if true {".repeat(10_000),
        "|| ".repeat(10_000),
        "a.".repeat(10_000),
    ] {
        assert!(!problems(&body).is_empty(), "{}", body.chars().take(9).collect::<String>());
    }
    assert!(problem(&format!("{}1{}", "(".repeat(200), ")".repeat(200))).starts_with("SCRIPT_PARSE"));
}

#[test]
fn b04_values_that_grow_are_stopped() {
    assert_eq!(
        run("let x = \"ab\"; loop { x += x; }", Some("a")),
        "SCRIPT_LIMIT: the script makes a value that is too large (line 1)"
    );
    assert_eq!(word("let x = [1]; loop { x += x; }"), "SCRIPT_LIMIT");
    assert_eq!(word("let x = #{}; let i = 0; loop { i += 1; x[`${i}`] = i; }"), "SCRIPT_LIMIT");
    assert_eq!(word("let x = \"\"; x.pad(1000000000, 'a'); x"), "SCRIPT_LIMIT");
    assert_eq!(word("let x = []; x.pad(1000000000, 1); x"), "SCRIPT_LIMIT");
    assert_eq!(word("blob(1000000000, 0)"), "SCRIPT_LIMIT");
    assert_eq!(word("let x = [1]; loop { x = [x, x]; }"), "SCRIPT_LIMIT");
}

#[test]
fn b04_values_that_nest_are_stopped_and_fit_the_stack() {
    assert_eq!(word("let x = [1]; loop { x = [x]; }"), "SCRIPT_LIMIT");
    assert_eq!(word("let x = 1; loop { x = #{a: x}; }"), "SCRIPT_LIMIT");
    // 5,000 levels: compared, printed, dropped.
    let nested = "let x = [1]; for i in 0..500 { x = [[[[[[[[[[x]]]]]]]]]]; }";
    for (what, given) in [("x == x", "true"), ("x.to_string().len()", "10003"), ("throw x", "SCRIPT_THROWN")] {
        assert_eq!(word(&format!("{nested} {what}")), given);
    }
}

#[test]
fn b01_steps_that_are_long_are_stopped() {
    let large = "let s = \"\"; s.pad(1000000, 'x'); let a = []; a.pad(99999, 1);";
    for step in ["s.to_upper()", "s.index_of(\"xxxxy\")", "a.sort()", "let b = a + [1]"] {
        assert_eq!(word(&format!("{large} loop {{ {step}; }}")), "SCRIPT_LIMIT", "{step}");
    }
}

#[test]
fn b05_closures_that_capture_are_not_kept() {
    for body in [
        "let f = 0; loop { let g = f; f = || { g }; }",
        "let t = value; let f = || t; let g = f; 1",
        "let t = value; let f = || t; [f]",
        "let t = value; let a = []; a.push(|| t); 1",
        "let t = value; [].reduce(|sum, x| sum, || t)",
        "let t = value; #{f: || t}",
        "let t = value; || t",
        "fn keep(f) { f } let t = value; keep(|| t)",
        "let f = Fn(\"trimmed\").curry(value); f.call()",
        "let f = Fn(\"trimmed\"); curry(f, value)",
        "let t = value; let f = if t == 1 { || t } else { |x| x }; 1",
    ] {
        let found = problems(body);
        assert!(found.iter().any(|found| found.code == Code::ScriptForbidden), "{body}: {found:#?}");
    }
    for body in [
        "let t = value; [1].map(|x| t)[0]",
        "let t = value; let f = |x| t + x; f.call(\"\")",
        "let t = value; let f = || t; call(f)",
        "let t = value; let f = |x| t; [1].map(f)[0]",
        "let t = value; let f = || t; let g = || f.call(); g.call()",
        "let f = |x| x; let g = f; g.call(value)",
        "let t = 1; let m = #{a: value}; m.filter(|k, v| t == 1).a",
    ] {
        assert_eq!(word(body), "a", "{body}: {:#?}", problems(body));
    }
}

#[test]
fn b05_floods_of_variables_functions_and_closures_are_stopped() {
    let variables: String = (0..1_000).map(|i| format!("let v{i} = {i};\n")).collect();
    assert_eq!(word(&(variables + "value")), "SCRIPT_LIMIT");
    let functions: String = (0..1_000).map(|i| format!("fn f{i}(x) {{ x }}\n")).collect();
    assert!(problem(&functions).starts_with("SCRIPT_PARSE"));
    let closures: String = (0..1_000).map(|i| format!("let v = |x| x + {i};\n")).collect();
    assert!(problem(&closures).starts_with("SCRIPT_PARSE"));
}

#[test]
fn b06_nothing_is_imported_or_evaluated() {
    for (body, name) in
        [("import \"x\" as y; 1", "import"), ("eval(\"1\")", "eval"), ("let e = eval(value); e", "eval")]
    {
        assert!(problem(body).contains(&format!("scripts may not call `{name}`")), "{}", problem(body));
        assert!(problem(body).starts_with("SCRIPT_FORBIDDEN"), "{}", problem(body));
    }
    assert!(problem("x::f(1)").starts_with("SCRIPT_UNKNOWN_NAME"));
    assert_eq!(word("Fn(\"ev\" + \"al\").call(\"1\")"), "SCRIPT_FAILED");
}

#[test]
fn b07_a_script_is_a_function_of_its_row() {
    for name in ["print", "debug", "sleep", "timestamp", "exit"] {
        for body in [
            format!("{name}()"),
            format!("{name}(1)"),
            format!("let x = 1; x.{name}()"),
            format!("Fn(\"{name}\").call(1)"),
        ] {
            assert!(problem(&body).starts_with("SCRIPT_FORBIDDEN"), "{body}: {}", problem(&body));
        }
    }
    assert_eq!(word("Fn(\"sl\" + \"eep\").call(1)"), "SCRIPT_FORBIDDEN");
    assert_eq!(word("call(Fn(\"ex\" + \"it\"), \"x\")"), "SCRIPT_FORBIDDEN");
    assert_eq!(word("Fn(\"times\" + \"tamp\").call()"), "SCRIPT_FORBIDDEN");
    assert!(problem("rand()").starts_with("SCRIPT_UNKNOWN_NAME"));
    let keys = "let m = #{z: 1, a: 2, k: 3}; let t = \"\"; for k in m.keys() { t += k; } t";
    assert_eq!(run(keys, None), "akz");
    assert_eq!(run("now", None), "2026-11-20T12:00:00");
    assert_eq!(run("env + vars.country_prefix + vars.limit + vars.rate", None), "test+130.5");
}

#[test]
fn b11_arithmetic_without_a_result_fails() {
    for body in [
        "9223372036854775807 + 1",
        "1 / 0",
        "(-9223372036854775807 - 1) / -1",
        "1 % 0",
        "parse_int(value)",
        "-(-9223372036854775807 - 1)",
        "2 ** 64",
        "abs(-9223372036854775807 - 1)",
    ] {
        let outcome = run(body, Some("secret"));
        assert!(
            outcome.starts_with("SCRIPT_FAILED: ") && !outcome.contains("secret") && !outcome.contains("9223"),
            "{body}: {outcome}"
        );
    }
    assert_eq!(
        run("let a = 1;\na / 0", None),
        "SCRIPT_FAILED: arithmetic that has no result: an overflow, a division by zero or a text that is no number (line 2)"
    );
}

#[test]
fn b15_nothing_passes_from_row_to_row() {
    let body = "let seen = value; value = \"changed\"; let f = |x| { seen += x; seen }; f.call(\"!\")";
    let mut entity = Given::reading(&[("id", "text")]).field("field", &[0], "text").script(body).compiled();
    let (texts, _) = entity.run(&[&[Some("a"), Some("b"), Some("a")]]);
    assert_eq!(texts[0], [Some("a!".to_owned()), Some("b!".to_owned()), Some("a!".to_owned())]);
    let body = "let f = || { vars.remove(\"limit\") }; f.call()";
    let mut entity = Given::reading(&[("id", "text")]).field("field", &[0], "text").script(body).compiled();
    let (texts, faults) = entity.run(&[&[Some("a"), Some("b")]]);
    assert!(texts[0][0] == texts[0][1] && faults.len() != 1, "{texts:?} {faults:?}");
    assert_eq!(run("is_def_var(\"leak\") || { let leak = 1; false }", None), "false");
}

#[test]
fn b16_scripts_that_are_no_text_for_rhai_are_refused() {
    assert!(problem(&"x".repeat(5 << 20)).contains("the script has 5242880 bytes, the limit is 65536"));
    assert!(problem("1 \0 2").starts_with("SCRIPT_PARSE"));
    assert!(problem("let x = ;").starts_with("SCRIPT_PARSE 1:9 the script is not rhai: "), "{}", problem("let x = ;"));
    assert!(problem("let var = 1;").starts_with("SCRIPT_PARSE 1:5"), "{}", problem("let var = 1;"));
    assert!(problem("\"open").starts_with("SCRIPT_PARSE"));
}

#[test]
fn b17_a_result_that_is_too_large_is_refused() {
    assert_eq!(word("let x = value; x.pad(2000000, '-'); x"), "SCRIPT_LIMIT");
    let large = "x".repeat(3 << 20);
    assert_eq!(run("value.len()", Some(&large)), large.len().to_string());
    assert_eq!(run("trimmed(value) == value", Some(&large)).split(':').next(), Some("SCRIPT_LIMIT"));
}
