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

/// Which rows are read; each of these conditions binds one value.
pub(super) enum Narrowed<'a> {
    /// Those whose integer is above the value.
    Behind(&'a ColumnName),
    /// Those whose integer is in the value, a JSON list.
    Among(&'a ColumnName),
    /// Those whose text is not below, and those that are no text which begins with a day; and those that lack one of the others, their key.
    Since(&'a ColumnName, Vec<&'a ColumnName>),
}

impl Narrowed<'_> {
    fn condition(&self) -> String {
        match self {
            Self::Behind(column) => format!("{} > ?", quote(column.as_str())),
            Self::Among(column) => format!("{} in (select value from json_each(?))", quote(column.as_str())),
            Self::Since(column, key) => {
                let name = quote(column.as_str());
                let unkeyed: String = key.iter().map(|part| format!(" or {} is null", quote(part.as_str()))).collect();
                format!(
                    "({name} >= ? or {name} is null or typeof({name}) <> 'text' or {name} not glob '????-??-??*'{unkeyed})"
                )
            }
        }
    }
}

/// The order of keys: of texts by their bytes in UTF-8. SQLite's own compares the bytes of the file, and can follow an index.
pub(super) const BY_UTF_8: &str = "transload_utf_8";

/// The order of keys in a file of this encoding.
pub(super) fn key_order(encoding: &str) -> &'static str {
    if encoding == "UTF-8" { "binary" } else { BY_UTF_8 }
}

/// Reads columns in key order, which is a collation.
pub(super) fn select(request: &ReadRequest, narrowed: &[Narrowed<'_>], order: &str) -> String {
    let columns = list(request.columns.iter().map(|column| &column.name), |name| name, ", ");
    let key: Vec<&ColumnName> = request.key.iter().map(|i| &request.columns[*i].name).collect();
    let mut sql = format!("select {columns} from {}", relation(&request.relation));
    if !narrowed.is_empty() {
        let conditions: Vec<String> = narrowed.iter().map(Narrowed::condition).collect();
        sql += &format!(" where {}", conditions.join(" and "));
    }
    if !key.is_empty() {
        sql += &format!(" order by {}", list(key, |name| format!("{name} collate {order}"), ", "));
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

/// For each column, whether it differs, where there is such a row: binds the columns and the key.
pub(super) fn compare(table: &TableName, columns: &[ColumnName], key: &[ColumnName]) -> String {
    let differ = list(columns, |name| differs_in(&name), ", ");
    format!("select {differ} from {} where {}", quote(table.as_str()), matches(key))
}

fn differ(columns: &[ColumnName]) -> String {
    list(columns, |name| differs_in(&name), " or ")
}

/// Text is compared by its bytes: to the column's collation, another case may be the same.
fn differs_in(name: &str) -> String {
    format!("{name} collate binary is not ?")
}

/// The columns of each unique index that holds for all rows of a table, and of its primary key, which may have no index. Where a declaration names
/// a collation, nobody can say by which one an index compares and by which one its column does: then there are none.
pub(super) const UNIQUE_KEYS: &str = "
    select columns from (
        select group_concat(i.name, char(0)) columns from pragma_index_list(?1) l join pragma_index_info(l.name) i
        where l.\"unique\" = 1 and l.partial = 0 group by l.name having count(*) = count(i.name)
        union all
        select group_concat(name, char(0)) from pragma_table_xinfo(?1) where pk > 0 having count(*) > 0)
    where not exists (select 1 from sqlite_schema where lower(tbl_name) = lower(?1) and sql like '%collate%')";

/// How many rows have a key; binds it.
pub(super) fn count_of_key(table: &TableName, key: &[ColumnName]) -> String {
    format!("select count(*) from {} where {}", quote(table.as_str()), matches(key))
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

/// How many rows of a table refer to the one with this key by a foreign key, each column with the one it refers to; binds the key. A row's
/// reference to itself does not count.
pub(super) fn count_referring(
    (child, columns): (&str, &[(String, String)]),
    (table, key): (&TableName, &[ColumnName]),
    is_own: bool,
) -> String {
    let refers = referring("target", columns);
    let is_target = list(key, |name| format!("target.{name} = ?"), " and ");
    let same = list(key, |name| format!("child.{name} is target.{name}"), " and ");
    let others = if is_own { format!(" and not ({same})") } else { String::new() };
    format!(
        "select count(*) from {} target join {} child on {} where {is_target}{others}",
        quote(table.as_str()),
        quote(child),
        refers
    )
}

/// Whether a child refers to a row, for those who look for the child. What is referred to stands first: its collation decides.
fn referring(row: &str, columns: &[(String, String)]) -> String {
    let refers = |(from, to): &(String, String)| format!("{row}.{} = child.{}", quote(to), quote(from));
    columns.iter().map(refers).collect::<Vec<_>>().join(" and ")
}

/// The same, for those who look for the row: the child's value becomes one of the type that it refers to.
fn referred(row: &str, columns: &[(String, String)]) -> String {
    let refers = |(from, to): &(String, String)| format!("{row}.{} = +child.{}", quote(to), quote(from));
    columns.iter().map(refers).collect::<Vec<_>>().join(" and ")
}

/// Whether the declaration of a table speaks of keys that are looked at later.
pub(super) const IS_DEFERRED: &str =
    "select 1 from sqlite_schema where type = 'table' and lower(name) = lower(?) and sql like '%deferr%'";

/// Whether a row with these columns refers to a row that is not there; binds the columns.
pub(super) fn refers_to_nothing(
    (table, by): (&str, &[&str]),
    (parent, columns): (&str, &[(String, String)]),
) -> String {
    let named: Vec<String> = columns.iter().map(|(from, _)| format!("child.{} is not null", quote(from))).collect();
    format!(
        "select 1 from {} child where {} and {} and not exists (select 1 from {} parent where {})",
        quote(table),
        is_bound("child", by),
        named.join(" and "),
        quote(parent),
        referred("parent", columns)
    )
}

/// The key of the row of the same table that the one with a key refers to, as text; binds the key.
pub(super) fn referred_key((table, key): (&str, &[&str]), columns: &[(String, String)]) -> String {
    let (table, refers) = (quote(table), referred("parent", columns));
    format!(
        "select {} from {table} child join {table} parent on {refers} where {}",
        as_text("parent", key),
        is_bound("child", key)
    )
}

/// The key of the row with a key, as text; binds the key.
pub(super) fn shown_key((table, key): (&str, &[&str])) -> String {
    format!("select {} from {} own where {}", as_text("own", key), quote(table), is_bound("own", key))
}

fn as_text(row: &str, key: &[&str]) -> String {
    key.iter().map(|name| format!("quote({row}.{})", quote(name))).collect::<Vec<_>>().join(" || ',' || ")
}

fn is_bound(row: &str, columns: &[&str]) -> String {
    columns.iter().map(|name| format!("{row}.{} = ?", quote(name))).collect::<Vec<_>>().join(" and ")
}

/// What rows hold that refer to the one with a key, where one of these columns of it differs; binds the key and the columns.
pub(super) fn given_up(
    (table, key): (&TableName, &[ColumnName]),
    (child, columns): (&str, &[(String, String)]),
    set: &[ColumnName],
) -> String {
    let held: Vec<String> = columns.iter().map(|(from, _)| format!("child.{}", quote(from))).collect();
    format!(
        "select distinct {} from {} target join {} child on {} where {} and ({})",
        held.join(", "),
        quote(table.as_str()),
        quote(child),
        referring("target", columns),
        list(key, |name| format!("target.{name} = ?"), " and "),
        list(set, |name| differs_in(&format!("target.{name}")), " or ")
    )
}

/// Takes unique values away from a row; binds the key.
pub(super) fn park(table: &TableName, parked: &[String], key: &[ColumnName]) -> String {
    format!("update or abort {} set {} where {}", quote(table.as_str()), parked.join(", "), matches(key))
}

/// What a column holds while its value is on its way to another row: nothing, or what nobody has.
pub(super) fn parked(column: &str, required: bool, declared: &str) -> String {
    let declared = declared.to_ascii_uppercase();
    let value = match () {
        () if !required => "null",
        () if declared.contains("INT") => "-abs(random() / 2) - 1",
        () if declared.contains("BLOB") => "randomblob(16)",
        () => "'~' || hex(randomblob(16))",
    };
    format!("{} = {value}", quote(column))
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
