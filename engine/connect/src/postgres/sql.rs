//! SQL text. Identifiers are quoted here and nowhere else, and here alone text becomes a statement; values are always bound.

use sqlx::postgres::{PgArguments, PgQueryResult};
use sqlx::query::Query;
use sqlx::{AssertSqlSafe, Executor, PgConnection, Postgres, Row};
use transload_model::{Bug, ColumnName, Relation, Selection, TableName, planted};

use super::catalog::{PgColumn, Referrer};
use super::types::Wire;

/// Taken before schemas and tables are created: two first runs must not both do so.
pub(super) const CREATION_LOCK: &str =
    "select pg_catalog.pg_advisory_xact_lock(pg_catalog.hashtextextended('transload ledger', 0))";

/// A statement that is prepared once for each connection.
pub(super) fn query(text: String) -> Query<'static, Postgres, PgArguments> {
    sqlx::query(AssertSqlSafe(text))
}

/// A statement without values.
pub(super) async fn execute(connection: &mut PgConnection, text: impl Into<String>) -> sqlx::Result<u64> {
    let done: PgQueryResult = query(text.into()).persistent(false).execute(connection).await?;
    Ok(done.rows_affected())
}

/// Several statements in one message.
pub(super) async fn batch(connection: &mut PgConnection, text: &str) -> sqlx::Result<()> {
    connection.execute(sqlx::raw_sql(AssertSqlSafe(text.to_owned()))).await.map(drop)
}

/// Creates a schema where there is none. `if not exists` would need the right to create one where there is.
pub(super) async fn create_schema(connection: &mut PgConnection, schema: &str) -> sqlx::Result<()> {
    let exists = "select exists (select 1 from pg_catalog.pg_namespace where nspname = $1)";
    if sqlx::query(exists).bind(schema).fetch_one(&mut *connection).await?.try_get(0)? {
        return Ok(());
    }
    batch(connection, &format!("create schema {}", quote(schema))).await
}

/// Notes which characters the database's encoding lacks, for [`LACKING`]. They are given, and noted, as the hexadecimal digits of their UTF-8. To be asked
/// as a parameter, a character would have to be one that the database has.
pub(super) fn note_lacking(characters: &[String]) -> String {
    let characters = characters.join(",");
    format!(
        "do $$ declare
            given text;
            lacking text := '';
        begin
            foreach given in array '{{{characters}}}'::text[] loop
                begin
                    perform pg_catalog.convert_from(pg_catalog.decode(given, 'hex'), 'UTF8');
                exception when untranslatable_character or character_not_in_repertoire then
                    lacking := pg_catalog.concat(lacking, given, ' ');
                end;
            end loop;
            perform pg_catalog.set_config('transload.lacking', lacking, false);
        end $$"
    )
}

/// The characters that were noted.
pub(super) const LACKING: &str = "select pg_catalog.current_setting('transload.lacking')";

pub(super) fn quote(identifier: &str) -> String {
    format!("\"{}\"", identifier.replace('"', "\"\""))
}

/// A value of a type that is not known here, as the server prints it. A cast may say something else: `inet` gets a mask by it.
pub(super) fn printed(column: &str) -> String {
    format!("case when {column} is distinct from null then pg_catalog.format('%s', {column}) end")
}

/// A table as every statement names it.
pub(super) fn table(schema: &str, table: &TableName) -> String {
    format!("{}.{}", quote(schema), quote(table.as_str()))
}

/// What rows are read from, as `from` takes it. The SQL of a spec may end with a comment, so what follows it is on a line of its own.
pub(super) fn relation(schema: &str, relation: &Relation) -> String {
    let name = quote(relation.table.as_str());
    match &relation.rows {
        Selection::All => table(schema, &relation.table),
        Selection::Where(condition) => filtered(&table(schema, &relation.table), condition, &name),
        Selection::Query(query) => format!("(\n{query}\n) {name}"),
    }
}

fn filtered(table: &str, condition: &str, name: &str) -> String {
    format!("(select * from {table} where (\n{condition}\n)) {name}")
}

/// Some rows of a relation, drawn by a method, as `from` takes them; none of a query.
pub(super) fn sampled(schema: &str, relation: &Relation, method: &str) -> Option<String> {
    let sampled = format!("{} tablesample {method}", table(schema, relation.stored()?));
    match &relation.rows {
        Selection::Where(condition) => Some(filtered(&sampled, condition, &quote(relation.table.as_str()))),
        _ => Some(sampled),
    }
}

/// Everything of a relation.
pub(super) fn select_all(relation: &str) -> String {
    format!("select * from {relation}")
}

/// Names with `each` around them and `between` in between.
pub(super) fn list<'a>(
    columns: impl IntoIterator<Item = &'a ColumnName>,
    each: impl Fn(String) -> String,
    between: &str,
) -> String {
    let parts: Vec<String> = columns.into_iter().map(|column| each(quote(column.as_str()))).collect();
    parts.join(between)
}

/// How a column is read, and how rows stand in its order.
pub(super) struct Reading {
    pub(super) select: String,
    pub(super) order: String,
    pub(super) is_required: bool,
    pub(super) may_be_infinite: bool,
    /// Whether `order` is bytes where the values are text.
    pub(super) by_bytes: bool,
}

/// Which rows are read, as placeholders of the parts of keys; nothing where there is no bound.
#[derive(Default)]
pub(super) struct Bounds {
    /// Rows from this key on.
    pub(super) from: Vec<String>,
    /// Rows up to this key, without it.
    pub(super) to: Vec<String>,
    /// Rows behind this key.
    pub(super) behind: Vec<String>,
    /// Rows without a key as well.
    pub(super) unkeyed: bool,
    /// Rows whose key is in these arrays, one for each part.
    pub(super) among: Vec<String>,
    /// Rows whose value of a column is not below this, or has no place in an order.
    pub(super) since: Option<(String, String)>,
}

/// Reads columns in the order of those at `key`.
pub(super) fn select(table: &str, columns: &[Reading], key: &[usize], bounds: &Bounds) -> String {
    let selected: Vec<&str> = columns.iter().map(|column| &*column.select).collect();
    let mut sql = format!("select {} from {table}", selected.join(", "));
    let parts: Vec<&str> = key.iter().map(|part| &*columns[*part].order).collect();
    let from = if planted(Bug::SeamLost) { ">" } else { ">=" };
    let wanted = [(&bounds.from, from), (&bounds.to, "<"), (&bounds.behind, ">")];
    let wanted = wanted.iter().filter(|(bound, _)| !bound.is_empty());
    let wanted: Vec<String> =
        wanted.map(|(bound, sign)| format!("({}) {sign} ({})", parts.join(", "), bound.join(", "))).collect();
    let unkeyed = unkeyed(key.iter().map(|part| &columns[*part]));
    let asked = asked(&parts, bounds, &unkeyed);
    if !wanted.is_empty() {
        let wanted = wanted.join(" and ");
        sql += &match (unkeyed.is_empty(), bounds.unkeyed) {
            (true, _) => format!(" where {wanted}"),
            (false, true) => format!(" where (({wanted}) or {unkeyed})"),
            (false, false) => format!(" where {wanted} and not ({unkeyed})"),
        };
    }
    if let Some(asked) = asked {
        sql += &format!(" {} {asked}", if wanted.is_empty() { "where" } else { "and" });
    }
    if !parts.is_empty() {
        sql += &format!(" order by {}", parts.join(", "));
    }
    sql
}

/// The rows of a range that are asked for.
fn asked(key: &[&str], bounds: &Bounds, unkeyed: &str) -> Option<String> {
    if !bounds.among.is_empty() {
        let arrays: Vec<String> = bounds.among.iter().map(|array| format!("pg_catalog.unnest({array})")).collect();
        return Some(format!("({}) in (select * from rows from ({}) wanted)", key.join(", "), arrays.join(", ")));
    }
    let (column, from) = bounds.since.as_ref()?;
    // What has no key cannot be found again by it.
    let unkeyed = if unkeyed.is_empty() { String::new() } else { format!(" or {unkeyed}") };
    Some(format!("({column} >= {from} or {column} is null or not isfinite({column}){unkeyed})"))
}

/// Rows whose key cannot be one: a part is NULL or infinite. Empty where no row can be so.
fn unkeyed<'a>(key: impl Iterator<Item = &'a Reading>) -> String {
    let mut conditions = Vec::new();
    for part in key {
        if !part.is_required {
            conditions.push(format!("{} is null", part.order));
        }
        if part.may_be_infinite {
            conditions.push(format!("not coalesce(isfinite({}), true)", part.order));
        }
    }
    conditions.join(" or ")
}

/// Keys of what was sampled, in order.
pub(super) fn sample(sampled: &str, columns: &[Reading]) -> String {
    let selected: Vec<&str> = columns.iter().map(|column| &*column.select).collect();
    let order: Vec<&str> = columns.iter().map(|column| &*column.order).collect();
    let (selected, order) = (selected.join(", "), order.join(", "));
    format!("select {selected} from {sampled} order by {order}")
}

/// Lets a user read columns of a table; all of them where none is named.
pub(super) fn grant((schema, name): (&str, &TableName), columns: &[&ColumnName], user: &str) -> String {
    let columns: Vec<String> = columns.iter().map(|column| quote(column.as_str())).collect();
    let columns = if columns.is_empty() { String::new() } else { format!(" ({})", columns.join(", ")) };
    let (table, user) = (table(schema, name), quote(user));
    format!("grant usage on schema {} to {user}; grant select{columns} on {table} to {user}", quote(schema))
}

/// What the planner expects of reading a whole table.
pub(super) fn explain(table: &str) -> String {
    format!("explain (format json) select 1 from {table}")
}

/// Whether a table has pages of its own, or partitions that have, and is no view.
pub(super) fn is_stored(table: &str) -> String {
    let name = table.replace('\'', "''");
    format!(
        "select count(*) from pg_catalog.pg_class \
         where oid = pg_catalog.to_regclass('{name}') and relkind in ('r', 'p', 'm')"
    )
}

/// An expression of the server's own catalog, evaluated so many times as `$1` says.
pub(super) fn evaluated(expression: &str) -> String {
    format!("select ({expression})::text from pg_catalog.generate_series(1, $1::int8)")
}

pub(super) fn count(table: &str) -> String {
    format!("select count(*) from {table}")
}

/// Keys that occur more than once, those with NULL left out.
pub(super) fn count_repeated(table: &str, key: &[String]) -> String {
    let known: Vec<String> = key.iter().map(|part| format!("{part} is not null")).collect();
    let (parts, known) = (key.join(", "), known.join(" and "));
    format!("select count(*) from (select 1 from {table} where {known} group by {parts} having count(*) > 1) repeated")
}

/// The column of a temporary table that numbers its rows. No column that can be mapped has a control character in its name.
pub(super) const NUMBER: &str = "\"number\u{1}\"";

/// A column that says that there is a row.
const PRESENT: &str = "\"present\u{1}\"";

/// `COPY … FROM STDIN`; with `numbered`, a number comes before the columns.
pub(super) fn copy(table: &str, columns: &[&ColumnName], numbered: bool) -> String {
    let number = if numbered { format!("{NUMBER}, ") } else { String::new() };
    format!("copy {table} ({number}{}) from stdin (format binary)", list(columns.iter().copied(), |name| name, ", "))
}

/// Moves a sequence up to a number: binds its name and the number. One that counts down, or ends before, stays. Between the look and the move
/// another session may move it: whoever sends this holds what `SEQUENCE_LOCK` takes.
pub(super) fn advance(sequence: &str) -> String {
    format!("select pg_catalog.setval($1::text::pg_catalog.regclass, $2) {}", behind(sequence))
}

/// Whether a sequence is to be moved up to a number: binds the same, and gives a row where it is.
pub(super) fn is_behind(sequence: &str) -> String {
    format!("select 1 {}", behind(sequence))
}

/// Keeps others that move a sequence from it for as long as the transaction, or its savepoint, lasts: binds its name.
pub(super) const SEQUENCE_LOCK: &str = "select pg_catalog.pg_advisory_xact_lock(pg_catalog.hashtextextended(\
     'transload sequence ' || $1::text::pg_catalog.regclass::pg_catalog.oid::text, 0))";

fn behind(sequence: &str) -> String {
    format!(
        "from {sequence} now, pg_catalog.pg_sequence known \
         where known.seqrelid = $1::text::pg_catalog.regclass and known.seqincrement > 0 and $2 <= known.seqmax \
         and ($2 > now.last_value or ($2 = now.last_value and not now.is_called))"
    )
}

/// A table and the temporary table with rows for it.
pub(super) struct Pair<'a> {
    pub(super) table: &'a str,
    pub(super) stage: &'a str,
    pub(super) key: &'a [ColumnName],
}

impl Pair<'_> {
    fn same(&self) -> String {
        list(self.key, |name| format!("old.{name} = new.{name}"), " and ")
    }

    /// Numbers of staged rows that the table does not have.
    pub(super) fn missing(&self) -> String {
        let (table, stage, same) = (self.table, self.stage, self.same());
        format!("select new.{NUMBER} from {stage} new where not exists (select 1 from {table} old where {same})")
    }

    /// Takes staged rows out that the table has several of, and gives their numbers.
    pub(super) fn repeated(&self) -> String {
        let (table, stage, same) = (self.table, self.stage, self.same());
        format!(
            "delete from {stage} gone where gone.{NUMBER} in \
             (select new.{NUMBER} from {stage} new join {table} old on {same} group by new.{NUMBER} having count(*) > 1) \
             returning gone.{NUMBER}"
        )
    }

    /// How many staged rows of a range differ from the table's. Those rows are locked.
    pub(super) fn differing(&self, set: &[&PgColumn]) -> String {
        let (table, stage, same, differ) = (self.table, self.stage, self.same(), differ(set));
        format!(
            "select count(*) from (select 1 from {stage} new join {table} old on {same} \
             where new.{NUMBER} >= $1 and new.{NUMBER} < $2 and ({differ}) for update of old) rows"
        )
    }

    /// Sets a range's columns where one of them differs.
    pub(super) fn update(&self, set: &[&PgColumn]) -> String {
        let (table, stage, same, differ) = (self.table, self.stage, self.same(), differ(set));
        let assigned = list(set.iter().map(|column| &column.name), |name| format!("{name} = new.{name}"), ", ");
        format!(
            "update {table} old set {assigned} from {stage} new \
             where {same} and new.{NUMBER} >= $1 and new.{NUMBER} < $2 and ({differ})"
        )
    }

    /// Takes unique values away from rows; binds their numbers.
    pub(super) fn park(&self, parked: &[String]) -> String {
        let (table, stage, same) = (self.table, self.stage, self.same());
        format!(
            "update {table} old set {} from {stage} new where {same} and new.{NUMBER} = any($1::int8[])",
            parked.join(", ")
        )
    }

    /// How many staged rows of a range the table has. Those rows are locked.
    pub(super) fn present(&self) -> String {
        let (table, stage, same) = (self.table, self.stage, self.same());
        format!(
            "select count(*) from (select 1 from {stage} new join {table} old on {same} \
             where new.{NUMBER} >= $1 and new.{NUMBER} < $2 for update of old) rows"
        )
    }

    pub(super) fn delete(&self) -> String {
        let (table, stage, same) = (self.table, self.stage, self.same());
        format!("delete from {table} old using {stage} new where {same} and new.{NUMBER} >= $1 and new.{NUMBER} < $2")
    }

    /// Takes staged rows out that a row refers to, unless that row is staged itself, and gives their numbers, each with
    /// how many rows those are.
    pub(super) fn spare(&self, referrer: &Referrer) -> String {
        let stage = self.stage;
        let cast = if referrer.as_text { "::text" } else { "" };
        let refers =
            |(column, to): &(String, String)| format!("old.{}{cast} = target.{}{cast}", quote(column), quote(to));
        let refers: Vec<String> = referrer.columns.iter().map(refers).collect();
        let is_target = list(self.key, |name| format!("target.{name} = new.{name}"), " and ");
        let is_staged = list(self.key, |name| format!("going.{name} = old.{name}"), " and ");
        let stays = if referrer.is_own {
            format!(" and not exists (select 1 from {stage} going where {is_staged})")
        } else {
            String::new()
        };
        let on = refers.join(" and ");
        let referring =
            format!("{} target join {} old on {on} where {is_target}{stays}", referrer.target, referrer.sql);
        format!(
            "delete from {stage} new where exists (select 1 from {referring}) \
             returning new.{NUMBER}, (select count(*) from {referring})"
        )
    }
}

/// For each of the rows that are given as arrays, a parameter for each column: its number, whether the table has it, and which columns differ,
/// by number; as often as the table has it.
pub(super) fn compare(table: &str, columns: &[&PgColumn], key: &[ColumnName]) -> String {
    let arrays: Vec<String> =
        columns.iter().zip(1..).map(|(column, at)| format!("${at}::{}[]", column.staged)).collect();
    let names = list(columns.iter().map(|column| &column.name), |name| name, ", ");
    let same = list(key, |name| format!("old.{name} = new.{name}"), " and ");
    let differing: Vec<String> =
        columns.iter().zip(1..).map(|(column, at)| format!("case when {} then {at} end", differs(column))).collect();
    format!(
        "select new.{NUMBER}, old.{PRESENT} is not null, pg_catalog.array_remove(array[{}]::int4[], null) \
         from rows from ({}) with ordinality new ({names}, {NUMBER}) \
         left join (select true as {PRESENT}, held.* from {table} held) old on {same}",
        differing.join(", "),
        arrays.iter().map(|array| format!("pg_catalog.unnest({array})")).collect::<Vec<_>>().join(", "),
    )
}

/// Whether a staged row differs from the table's. Text is compared by its bytes, and types that cannot be compared by their text.
fn differ(set: &[&PgColumn]) -> String {
    set.iter().map(|column| differs(column)).collect::<Vec<_>>().join(" or ")
}

fn differs(column: &PgColumn) -> String {
    let name = quote(column.name.as_str());
    match column.wire {
        Wire::Text(_) | Wire::Name => {
            format!("old.{name} collate \"C\" is distinct from new.{name} collate \"C\"")
        }
        Wire::Char(_) => {
            format!("pg_catalog.bpcharsend(old.{name}) is distinct from pg_catalog.bpcharsend(new.{name})")
        }
        Wire::Json | Wire::Jsonb | Wire::Numeric(None) | Wire::Other => {
            format!("old.{name}::text is distinct from new.{name}::text")
        }
        _ => format!("old.{name} is distinct from new.{name}"),
    }
}
