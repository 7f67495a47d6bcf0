//! SQL text. Identifiers are quoted here and nowhere else; values are always bound.

use transload_model::{ColumnName, ReadRequest, Referrer, Relation, Selection, TableName};

pub(super) fn quote(identifier: &str) -> String {
    format!("\"{}\"", identifier.replace('"', "\"\""))
}

/// What rows are read from, as `from` takes it. The SQL of a spec may end with a comment, so what follows it is on a line of its own.
pub(super) fn relation(relation: &Relation) -> String {
    let name = quote(relation.table.as_str());
    match &relation.rows {
        Selection::All => name,
        Selection::Where(condition) => format!("(select * from {name} where (\n{condition}\n)) {name}"),
        Selection::Query(query) => format!("(\n{query}\n) {name}"),
    }
}

/// A view of this session over a relation.
pub(super) fn create_view(name: &str, of: &Relation) -> String {
    format!("create temp view {} as select * from {}", quote(name), relation(of))
}

pub(super) fn select_view(name: &str) -> String {
    format!("select * from {}", quote(name))
}

/// The highest number in a column; 0 where there is none.
pub(super) fn highest(table: &TableName, column: &ColumnName) -> String {
    format!("select coalesce(max({}), 0) from {}", quote(column.as_str()), quote(table.as_str()))
}

fn list<'a>(
    columns: impl IntoIterator<Item = &'a ColumnName>,
    each: impl Fn(String) -> String,
    between: &str,
) -> String {
    let parts: Vec<String> = columns.into_iter().map(|column| each(quote(column.as_str()))).collect();
    parts.join(between)
}

/// Reads columns in key order. With `behind`, the key is one integer, bound, and only rows above it come.
pub(super) fn select(request: &ReadRequest, behind: bool) -> String {
    let columns = list(request.columns.iter().map(|column| &column.name), |name| name, ", ");
    let key: Vec<&ColumnName> = request.key.iter().map(|i| &request.columns[*i].name).collect();
    let mut sql = format!("select {columns} from {}", relation(&request.relation));
    if behind {
        sql += &format!(" where {}", list(key.iter().copied(), |name| format!("{name} > ?"), " and "));
    }
    if !key.is_empty() {
        sql += &format!(" order by {}", list(key, |name| format!("{name} collate binary"), ", "));
    }
    sql
}

pub(super) fn insert(table: &TableName, columns: &[ColumnName]) -> String {
    let marks = vec!["?"; columns.len()].join(", ");
    let names = list(columns, |name| name, ", ");
    format!("insert or abort into {} ({names}) values ({marks})", quote(table.as_str()))
}

/// Sets columns where one of them differs: binds the set columns, the key, and the set columns again.
pub(super) fn update(table: &TableName, set: &[ColumnName], key: &[ColumnName]) -> String {
    let assignments = list(set, |name| format!("{name} = ?"), ", ");
    format!("update or abort {} set {assignments} where {} and ({})", quote(table.as_str()), matches(key), differ(set))
}

/// Whether one of the columns differs, where there is such a row: binds the columns and the key.
pub(super) fn differs(table: &TableName, columns: &[ColumnName], key: &[ColumnName]) -> String {
    let differ = if columns.is_empty() { "false".to_owned() } else { differ(columns) };
    format!("select {differ} from {} where {}", quote(table.as_str()), matches(key))
}

fn differ(columns: &[ColumnName]) -> String {
    list(columns, |name| format!("{name} is not ?"), " or ")
}

pub(super) fn exists(table: &TableName, key: &[ColumnName]) -> String {
    format!("select 1 from {} where {}", quote(table.as_str()), matches(key))
}

pub(super) fn delete(table: &TableName, key: &[ColumnName]) -> String {
    format!("delete from {} where {}", quote(table.as_str()), matches(key))
}

pub(super) fn set_null(table: &TableName, columns: &[ColumnName], key: &[ColumnName]) -> String {
    let assignments = list(columns, |name| format!("{name} = null"), ", ");
    format!("update {} set {assignments} where {}", quote(table.as_str()), matches(key))
}

/// Whether another row of the table names this one; binds the key twice.
pub(super) fn refers_within(referrer: &Referrer, key: &[ColumnName]) -> String {
    format!("{} and not ({})", refers(referrer), matches(key))
}

pub(super) fn refers(referrer: &Referrer) -> String {
    format!("select 1 from {} where {}", quote(referrer.table.as_str()), matches(&referrer.columns))
}

/// A default, as text. The expression is the table's own.
pub(super) fn default_value(expression: &str) -> String {
    format!("select cast(({expression}) as text)")
}

pub(super) fn count(table: &TableName) -> String {
    format!("select count(*) from {}", quote(table.as_str()))
}

pub(super) fn count_rows(from: &Relation) -> String {
    format!("select count(*) from {}", relation(from))
}

pub(super) fn count_repeated(from: &Relation, key: &[ColumnName]) -> String {
    let names = list(key, |name| format!("{name} collate binary"), ", ");
    let known = list(key, |name| format!("{name} is not null"), " and ");
    format!(
        "select count(*) from (select 1 from {} where {known} group by {names} having count(*) > 1)",
        relation(from)
    )
}

fn matches(key: &[ColumnName]) -> String {
    list(key, |name| format!("{name} = ?"), " and ")
}
