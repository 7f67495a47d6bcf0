//! A problem of a script is shown in the line of the spec that holds it.

use super::kit::{changed, problems};

const BODY: &str = "function_body: |\n      let family = row.last_nm;\n      `${value[0]} ${family} ${row.doc_no}`\n";

/// What the first problem's label covers, with the script in the given form.
fn labelled(form: &str) -> String {
    let mut files = changed("specs/doctors.yaml", BODY, form);
    if form.contains('\r') {
        let text = files.get_mut("specs/doctors.yaml").unwrap();
        *text = text.replace("\r\n", "\n").replace('\n', "\r\n");
    }
    let found = problems(&files);
    assert_eq!(found.len(), 1, "{found:#?}");
    let label = &found[0].labels[0];
    label.file.text.get(label.span.clone()).unwrap().to_owned()
}

#[test]
fn a_word_of_a_block_is_found_in_its_line() {
    for form in [
        "function_body: |\n      let a = 1;\n      a + boom\n",
        "function_body: |-\n      let a = 1;\n      a + boom",
        "function_body: |+\n        boom\n\n",
        "function_body: |\n\n\n      boom\n",
        "function_body: |\n      let ä = \"ß\"; boom\n",
        "function_body: |2\n        indented();\n      boom\n",
        "function_body: |\r\n      let a = 1;\r\n      a + boom\r\n",
        "function_body: a + boom\n",
        "function_body: 'a + boom'\n",
        "function_body: \"a + boom\"\n",
    ] {
        assert_eq!(labelled(form), "boom", "{form:?}");
    }
}

#[test]
fn where_the_text_is_not_found_again_the_whole_script_is_shown() {
    assert!(labelled("function_body: >\n      let a = 1;\n      boom\n").contains("let a"));
    assert_eq!(labelled("function_body: \"a + \\x62oom\"\n"), "\"a + \\x62oom\"");
    assert!(labelled("function_body: a +\n      boom\n").starts_with("a +"));
}

#[test]
fn a_column_that_the_table_does_not_have_is_shown() {
    assert_eq!(labelled("function_body: |\n      value;\n      row.nobody + 1\n"), "nobody");
}

#[test]
fn a_variable_that_the_project_does_not_have_is_shown() {
    assert_eq!(labelled("function_body: |\n      value;\n      vars.prefixx + 1\n"), "prefixx");
    let sound = changed("specs/doctors.yaml", BODY, "function_body: |\n      vars.prefix + 1\n");
    assert_eq!(problems(&sound), []);
    let asked = "function_body: |\n      if \"beta\" in vars { vars.beta } else { value }\n";
    assert_eq!(problems(&changed("specs/doctors.yaml", BODY, asked)), []);
}
