//! Templates: pieces of specs with a name. `use` puts them in front of what a spec says itself, each once, and before each what it uses.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use transload_model::{Code, Diagnostic, SourceFile, waves};

use crate::decode::language::TEMPLATE;
use crate::decode::piece::Piece;
use crate::decode::reader::Map;
use crate::decode::{Files, Reader};
use crate::problems::{Located, Problems, circle, listed, problem, with_suggestion};
use crate::yaml;

/// Templates by name.
pub(crate) type Templates = BTreeMap<String, Template>;

/// A piece of a spec with a name.
#[derive(Debug)]
pub(crate) struct Template {
    name: Located<String>,
    /// The templates that it takes itself.
    uses: Vec<Located<String>>,
    piece: Piece,
}

/// Reads every template. Two of one name are a problem, and so is a `use` of one that is not there, or of itself.
pub(crate) fn templates(files: &[Arc<SourceFile>], read: &Files<'_>, problems: &mut Problems) -> Templates {
    let mut templates = Templates::new();
    for file in files {
        let Some(template) = template(file, read, problems) else { continue };
        if let Some(first) = templates.get(&template.name.value) {
            let headline = format!("two templates have the name `{}`", template.name.value);
            let problem = problem(Code::FieldConflict, headline, &template.name.place, "the second one");
            let place = &first.name.place;
            problems.push(problem.label(&place.file, place.span.clone(), "the first one"));
            continue;
        }
        templates.insert(template.name.value.clone(), template);
    }
    check_circles(&templates, problems);
    for name in check_names(&templates, problems) {
        if let Some(template) = templates.get_mut(&name) {
            template.piece.lacks_parts();
        }
    }
    templates
}

fn template(file: &Arc<SourceFile>, read: &Files<'_>, problems: &mut Problems) -> Option<Template> {
    let root = yaml::load(file, problems)?;
    let mut reader = Reader { file, problems };
    let map = reader.map(&root, &TEMPLATE)?;
    if !reader.require(&map, &["template"], "a template") {
        return None;
    }
    let name = reader.text(&map.get("template")?.value, "`template`")?;
    if let Some(entry) = map.get("description") {
        reader.text(&entry.value, "`description`");
    }
    let uses = template_names(&mut reader, &map).unwrap_or_default();
    Some(Template { name, uses, piece: Piece::read(&mut reader, &map, read) })
}

/// Reads `use`: the names of templates. `None` where it is not there; what cannot be read is left out.
pub(crate) fn template_names(reader: &mut Reader<'_>, map: &Map<'_>) -> Option<Vec<Located<String>>> {
    let names = reader.list(&map.get("use")?.value, "`use`").unwrap_or_default();
    Some(names.iter().filter_map(|node| reader.text(node, "the name of a template")).collect())
}

/// What the templates of these names say, behind and in place of what stands before them; one that is not there is a problem.
pub(crate) fn taken(before: Piece, names: &[Located<String>], templates: &Templates, problems: &mut Problems) -> Piece {
    let mut taken = before;
    for name in names.iter().filter(|name| !templates.contains_key(&name.value)) {
        taken.lacks_parts();
        problems.push(unknown(name, templates));
    }
    in_order(names, templates).into_iter().fold(taken, |taken, template| taken.then(template.piece.clone()))
}

/// All templates that these names stand for: what one uses before itself, each where it comes first.
fn in_order<'t>(names: &'t [Located<String>], templates: &'t Templates) -> Vec<&'t Template> {
    /// A template still to be entered, or one whose own `use` has been gone through.
    enum Step<'t> {
        Enter(&'t Template),
        Leave(&'t Template),
    }
    let entered = |names: &'t [Located<String>]| {
        names.iter().rev().filter_map(|name| templates.get(&name.value)).map(Step::Enter)
    };
    let (mut order, mut seen) = (Vec::new(), BTreeSet::new());
    let mut open: Vec<Step<'t>> = entered(names).collect();
    while let Some(step) = open.pop() {
        match step {
            Step::Leave(template) => order.push(template),
            Step::Enter(template) if seen.insert(&template.name.value) => {
                open.push(Step::Leave(template));
                open.extend(entered(&template.uses));
            }
            Step::Enter(_) => {}
        }
    }
    order
}

/// Templates that use one that is not there; gives their names.
fn check_names(templates: &Templates, problems: &mut Problems) -> BTreeSet<String> {
    let mut broken = BTreeSet::new();
    for template in templates.values() {
        for name in template.uses.iter().filter(|name| !templates.contains_key(&name.value)) {
            problems.push(unknown(name, templates));
            broken.insert(template.name.value.clone());
        }
    }
    broken
}

fn unknown(name: &Located<String>, templates: &Templates) -> Diagnostic {
    // What a variable gives is not shown.
    let is_given = name.place.is_default() && name.place.text().is_some_and(|text| text.contains("${"));
    let headline = match is_given {
        true => "there is no template of the name that a variable gives".to_owned(),
        false => format!("there is no template `{}`", name.value),
    };
    let found = problem(Code::UnknownTemplate, headline, &name.place, "no file of `templates` has this name");
    let known = templates.keys().map(String::as_str);
    let found = match templates.is_empty() {
        true => found,
        false => found.note(format!("templates are {}", listed(known.clone()))),
    };
    if is_given { found } else { with_suggestion(found, &name.value, known) }
}

/// Templates that use themselves, directly or over others.
fn check_circles(templates: &Templates, problems: &mut Problems) {
    let all: Vec<&Template> = templates.values().collect();
    let at: BTreeMap<&str, usize> = templates.keys().enumerate().map(|(at, name)| (name.as_str(), at)).collect();
    let used = |from: usize| all[from].uses.iter().filter_map(|name| Some((*at.get(name.value.as_str())?, name)));
    let edges: Vec<_> = (0..all.len()).flat_map(|from| used(from).map(move |(to, _)| (from, to))).collect();
    for cycle in waves(all.len(), &edges).err().unwrap_or_default() {
        let next = cycle.0.iter().cycle().skip(1);
        let step = |(from, to): (&usize, &usize)| {
            let places = used(*from).filter(|(used, _)| used == to).map(|(_, name)| &name.place).collect();
            (all[*from].name.value.as_str(), places)
        };
        let steps: Vec<_> = cycle.0.iter().zip(next).map(step).collect();
        let help = "take one of them out; what they share may stand in a third template, which both use";
        problems.push(circle(&steps, "uses").help(help));
    }
}
