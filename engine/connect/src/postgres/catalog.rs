//! Tables and columns as PostgreSQL's own catalog has them.

use std::collections::{BTreeMap, BTreeSet};

use sqlx::postgres::PgRow;
use sqlx::postgres::types::Oid;
use sqlx::{Column as _, PgConnection, Row};
use transload_model::{Catalog, Column, ColumnName, ForeignKey, Keeps, OnDelete, SideEffects, Table, TableName};

use super::definition;
use super::sql;
use super::types::Wire;

/// Every type and what it is made of: a domain is its base type, with its own length where it has one. With it goes what it takes: the labels of
/// an enum, and the checks of domains.
const TYPES: &str = "
    with recursive made_of (type, base, modifier, required, held) as (
        select t.oid, t.oid, -1, false, case t.typtype when 'e' then
                   ' (' || pg_catalog.array_to_string(array(
                       select pg_catalog.quote_literal(e.enumlabel::text) from pg_catalog.pg_enum e
                       where e.enumtypid = t.oid order by e.enumsortorder), ', ') || ')'
               else '' end collate pg_catalog.\"default\"
        from pg_catalog.pg_type t where t.typtype <> 'd'
        union all
        select t.oid, made_of.base, case when t.typtypmod = -1 then made_of.modifier else t.typtypmod end,
               made_of.required or t.typnotnull,
               (made_of.held || pg_catalog.array_to_string(array(
                   select ' ' || pg_catalog.pg_get_constraintdef(k.oid) from pg_catalog.pg_constraint k
                   where k.contypid = t.oid and k.contype = 'c' order by k.conname), '')) collate pg_catalog.\"default\"
        from pg_catalog.pg_type t join made_of on t.typbasetype = made_of.type where t.typtype = 'd'
    )";

/// Columns of all tables of a schema, or of one; behind [`TYPES`].
const COLUMNS: &str = "
    select c.relname::text, a.attname::text, pg_catalog.format_type(a.atttypid, a.atttypmod),
           made_of.base, case when made_of.modifier = -1 then a.atttypmod else made_of.modifier end, b.typtype = 'e',
           a.attnotnull or made_of.required, a.atthasdef or a.attidentity <> '', a.attgenerated <> '', a.attidentity = 'a',
           coalesce(
               (select s.oid::pg_catalog.regclass::text
                from pg_catalog.pg_depend d join pg_catalog.pg_class s on s.oid = d.objid and s.relkind = 'S'
                where d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass
                  and d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass and d.refobjid = c.oid and d.refobjsubid = a.attnum
                  and d.deptype in ('a', 'i') limit 1),
               -- One that the column's default asks, whoever it belongs to.
               (select s.oid::pg_catalog.regclass::text
                from pg_catalog.pg_attrdef e
                join pg_catalog.pg_depend d on d.classid = 'pg_catalog.pg_attrdef'::pg_catalog.regclass and d.objid = e.oid
                join pg_catalog.pg_class s on s.oid = d.refobjid and s.relkind = 'S'
                where e.adrelid = c.oid and e.adnum = a.attnum and d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass
                limit 1)),
           pg_catalog.format_type(made_of.base, case when made_of.modifier = -1 then a.atttypmod else made_of.modifier end),
           pg_catalog.getdatabaseencoding() <> 'UTF8', made_of.held
    from pg_catalog.pg_class c
    join pg_catalog.pg_namespace n on n.oid = c.relnamespace
    join pg_catalog.pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
    join made_of on made_of.type = a.atttypid
    join pg_catalog.pg_type b on b.oid = made_of.base
    where n.nspname = $1 and c.relkind in ('r', 'p', 'v', 'm', 'f') and ($2::text is null or c.relname = $2)
    order by c.relname, a.attnum";

/// The columns of a query, as its description has them; behind [`TYPES`]. One that is a table's own column is declared as that is.
const DESCRIBED: &str = "
    select '', q.name, pg_catalog.format_type(coalesce(a.atttypid, q.type), a.atttypmod), made_of.base,
           case when made_of.modifier = -1 then coalesce(a.atttypmod, -1) else made_of.modifier end, b.typtype = 'e',
           false, false, false, false, null,
           pg_catalog.format_type(made_of.base, case when made_of.modifier = -1 then a.atttypmod else made_of.modifier end),
           pg_catalog.getdatabaseencoding() <> 'UTF8', made_of.held
    from rows from (
        pg_catalog.unnest($1::text[]), pg_catalog.unnest($2::oid[]), pg_catalog.unnest($3::oid[]), pg_catalog.unnest($4::int2[])
    ) with ordinality q (name, type, relation, number, place)
    left join pg_catalog.pg_attribute a on a.attrelid = q.relation and a.attnum = q.number
    join made_of on made_of.type = coalesce(a.atttypid, q.type)
    join pg_catalog.pg_type b on b.oid = made_of.base
    order by q.place";

/// Primary, unique and foreign keys, and unique indexes that are no constraint. A foreign key to another schema has no table.
const KEYS: &str = "
    select c.relname::text, k.contype::text, other.relname::text,
           array(select a.attname::text from unnest(k.conkey) with ordinality as part (number, place)
                 join pg_catalog.pg_attribute a on a.attrelid = c.oid and a.attnum = part.number order by part.place),
           array(select a.attname::text from unnest(k.confkey) with ordinality as part (number, place)
                 join pg_catalog.pg_attribute a on a.attrelid = k.confrelid and a.attnum = part.number order by part.place),
           case k.confdeltype when 'c' then 'cascade' when 'n' then 'set null' when 'd' then 'set default' else '' end
    from pg_catalog.pg_constraint k
    join pg_catalog.pg_class c on c.oid = k.conrelid
    join pg_catalog.pg_namespace n on n.oid = c.relnamespace
    left join pg_catalog.pg_class other on other.oid = k.confrelid and other.relnamespace = c.relnamespace
    where n.nspname = $1 and k.contype in ('p', 'u', 'f')
    union all
    select c.relname::text, 'u', null,
           array(select a.attname::text from unnest(i.indkey::int2[]) with ordinality as part (number, place)
                 join pg_catalog.pg_attribute a on a.attrelid = c.oid and a.attnum = part.number
                 where part.place <= i.indnkeyatts order by part.place),
           array[]::text[], ''
    from pg_catalog.pg_index i
    join pg_catalog.pg_class c on c.oid = i.indrelid
    join pg_catalog.pg_namespace n on n.oid = c.relnamespace
    where n.nspname = $1 and i.indisunique and i.indisvalid and i.indpred is null and i.indexprs is null
    order by 1, 2, 3, 4, 5";

/// What acts on rows beside the statement that writes them.
const SIDE_EFFECTS: &str = "
    select c.relname::text, 'trigger', t.tgname::text
    from pg_catalog.pg_trigger t
    join pg_catalog.pg_class c on c.oid = t.tgrelid join pg_catalog.pg_namespace n on n.oid = c.relnamespace
    where n.nspname = $1 and not t.tgisinternal and t.tgenabled <> 'D'
    union all
    select c.relname::text, 'rule', r.rulename::text
    from pg_catalog.pg_rewrite r
    join pg_catalog.pg_class c on c.oid = r.ev_class join pg_catalog.pg_namespace n on n.oid = c.relnamespace
    where n.nspname = $1 and r.rulename <> '_RETURN' and r.ev_enabled <> 'D'
    union all
    select distinct c.relname::text, 'unique', ''
    from pg_catalog.pg_index i
    join pg_catalog.pg_class c on c.oid = i.indrelid join pg_catalog.pg_namespace n on n.oid = c.relnamespace
    where n.nspname = $1 and (i.indisunique or i.indisexclusion) and not i.indisprimary
    union all
    select c.relname::text, 'policy', ''
    from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
    where n.nspname = $1 and c.relrowsecurity and pg_catalog.row_security_active(c.oid)
    union all
    select c.relname::text, 'unlogged', ''
    from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
    where n.nspname = $1 and (c.relkind = 'r' and c.relpersistence = 'u' or c.relkind = 'p' and exists (
        select from pg_catalog.pg_partition_tree(c.oid) part join pg_catalog.pg_class leaf on leaf.oid = part.relid
        where part.isleaf and leaf.relpersistence = 'u'))
    union all
    -- Rows are inserted by COPY, which a view takes only by a trigger, whatever else is done to it by itself: 4, 8 and 16 are bits of
    -- update, insert and delete; of a trigger, 64 and 4 are those of `instead of` and insert.
    select c.relname::text, 'nothing', ''
    from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
    where n.nspname = $1 and (c.relkind = 'm' or c.relkind = 'v' and (
        pg_catalog.pg_relation_is_updatable(c.oid, true) & 28 <> 28 or not exists (
            select from pg_catalog.pg_trigger t where t.tgrelid = c.oid and t.tgtype & 68 = 68 and t.tgenabled <> 'D')))
    order by 1, 2, 3";

/// What has rows of a table: itself, what it is made of, and what it is a part of.
pub(super) const KIN: &str = "
    with recursive below (oid) as (
        select $1::text::pg_catalog.regclass::oid
        union select i.inhrelid from pg_catalog.pg_inherits i join below on below.oid = i.inhparent),
    above (oid) as (
        select $1::text::pg_catalog.regclass::oid
        union select i.inhparent from pg_catalog.pg_inherits i join above on above.oid = i.inhrelid
        join pg_catalog.pg_class part on part.oid = i.inhrelid where part.relispartition),
    kin (oid) as (select oid from below union select oid from above)";

/// Foreign keys to a table, a part of it or the whole that it is a part of, wherever they come from; behind [`KIN`]. One to a part is about the rows of
/// that alone, and rows that inherit are no business of any.
const REFERRERS: &str = "
    select c.relname::text, pg_catalog.format('%I.%I', n.nspname, c.relname), k.conrelid in (select oid from below),
           array(select a.attname::text from unnest(k.conkey) with ordinality as part (number, place)
                 join pg_catalog.pg_attribute a on a.attrelid = k.conrelid and a.attnum = part.number order by part.place),
           array(select a.attname::text from unnest(k.confkey) with ordinality as part (number, place)
                 join pg_catalog.pg_attribute a on a.attrelid = k.confrelid and a.attnum = part.number order by part.place),
           case k.confdeltype when 'c' then 'delete' when 'n' then 'change' when 'd' then 'change' end,
           pg_catalog.format(case target.relkind when 'r' then 'only %I.%I' else '%I.%I' end, space.nspname, target.relname)
    from pg_catalog.pg_constraint k
    join pg_catalog.pg_class c on c.oid = k.conrelid join pg_catalog.pg_namespace n on n.oid = c.relnamespace
    join kin on kin.oid = k.confrelid
    left join below on below.oid = k.confrelid
    join pg_catalog.pg_class target on target.oid = coalesce(below.oid, $1::text::pg_catalog.regclass::oid)
    join pg_catalog.pg_namespace space on space.oid = target.relnamespace
    where k.contype = 'f' and k.conparentid = 0
    order by n.nspname, c.relname, k.conname";

/// Columns that may refer to a row: a spec says so, or a foreign key does, of whatever table.
pub(super) struct Referrer {
    /// The table and its columns, for messages.
    pub(super) shown: String,
    /// The table, quoted, with its schema.
    pub(super) sql: String,
    /// What has the rows that it refers to, as `from` takes it.
    pub(super) target: String,
    /// Each column, and the one that it refers to.
    pub(super) columns: Vec<(String, String)>,
    /// Whether its rows are rows of the table that it refers to.
    pub(super) is_own: bool,
    /// Whether the columns are of two types, and must be compared as text.
    pub(super) as_text: bool,
    /// What a delete would do to the rows that refer, where the foreign key acts on them: `delete` or `change`.
    pub(super) does: Option<String>,
}

/// Unique indexes of a table: their columns, whether they hold for all rows, and whether NULL is a value like others to them.
const UNIQUE_INDEXES: &str = "
    select array(select a.attname::text from unnest(i.indkey::int2[]) with ordinality as part (number, place)
                 join pg_catalog.pg_attribute a on a.attrelid = i.indrelid and a.attnum = part.number
                 where part.place <= i.indnkeyatts),
           i.indpred is null and i.indexprs is null and not exists (
               select from unnest(i.indkey::int2[], i.indcollation::oid[]) with ordinality as part (number, compared, place)
               join pg_catalog.pg_attribute a on a.attrelid = i.indrelid and a.attnum = part.number
               where part.place <= i.indnkeyatts and part.compared <> a.attcollation) and not exists (
               select from pg_catalog.pg_inherits h join pg_catalog.pg_class child on child.oid = h.inhrelid
               where h.inhparent = i.indrelid and not child.relispartition),
           coalesce((pg_catalog.to_jsonb(i) ->> 'indnullsnotdistinct')::bool, false)
    from pg_catalog.pg_index i where i.indrelid = $1::text::pg_catalog.regclass and i.indisunique and i.indisvalid";

/// A unique index.
pub(super) struct UniqueIndex {
    /// Its columns; what it computes is none.
    pub(super) columns: BTreeSet<ColumnName>,
    /// Whether it is about all rows and nothing but its columns, and compares as they do.
    pub(super) is_whole: bool,
    /// Whether NULL is a value like others to it.
    pub(super) is_strict: bool,
}

/// The unique indexes of a table.
pub(super) async fn unique_indexes(connection: &mut PgConnection, table: &str) -> sqlx::Result<Vec<UniqueIndex>> {
    let index = |row: PgRow| {
        let names: Vec<String> = row.try_get(0)?;
        let columns: BTreeSet<ColumnName> = names.iter().filter_map(|name| ColumnName::parse(name).ok()).collect();
        let is_whole = row.try_get(1)? && columns.len() == names.len();
        Ok(UniqueIndex { columns, is_whole, is_strict: row.try_get(2)? })
    };
    sqlx::query(UNIQUE_INDEXES).bind(table).fetch_all(connection).await?.into_iter().map(index).collect()
}

/// What refers to a table by a foreign key. A delete would take such rows with it, or change them, where the key says so.
pub(super) async fn referrers(connection: &mut PgConnection, table: &str) -> sqlx::Result<Vec<Referrer>> {
    let referrer = |row: PgRow| {
        let (name, from): (String, Vec<String>) = (row.try_get(0)?, row.try_get(3)?);
        let shown = format!("`{name}`.`{}`", from.join("`, `"));
        let columns = from.into_iter().zip(row.try_get::<Vec<String>, _>(4)?).collect();
        let (sql, is_own, does, target) = (row.try_get(1)?, row.try_get(2)?, row.try_get(5)?, row.try_get(6)?);
        Ok(Referrer { shown, sql, target, columns, is_own, as_text: false, does })
    };
    let rows = sql::query(format!("{KIN}{REFERRERS}")).bind(table).fetch_all(connection).await?;
    rows.into_iter().map(referrer).collect()
}

/// A column as it is on the wire.
#[derive(Debug, Clone)]
pub(super) struct PgColumn {
    pub(super) name: ColumnName,
    pub(super) declared: String,
    /// What its type takes: the labels of an enum, the checks of a domain.
    held: String,
    pub(super) wire: Wire,
    /// Its type, or what its domain is made of.
    pub(super) base: Oid,
    nullable: bool,
    has_default: bool,
    generated: bool,
    is_always_identity: bool,
    /// The type of a column that takes the same values without a domain's checks.
    pub(super) staged: String,
    /// Whether the database keeps text in another encoding than UTF-8, and so in another order.
    pub(super) recodes: bool,
    /// The sequence that gives it its numbers, quoted.
    pub(super) sequence: Option<String>,
}

impl PgColumn {
    pub(super) fn is_required(&self) -> bool {
        !self.nullable
    }

    pub(super) fn describe(self) -> Column {
        Column {
            name: self.name,
            declared: self.declared + &self.held,
            logical: self.wire.logical(),
            stores: self.wire.stores(),
            max_length: self.wire.max_length(),
            nullable: self.nullable,
            has_default: self.has_default,
            generated: self.generated,
            insert_only: self.is_always_identity,
        }
    }
}

/// All tables and views of a schema.
pub(super) async fn read(connection: &mut PgConnection, schema: &str) -> sqlx::Result<Catalog> {
    // First, so that what changes while the rest is read is found to have changed.
    let definitions = definition::definitions(connection, schema, None).await?;
    let mut tables: BTreeMap<TableName, Table> = BTreeMap::new();
    for (table, column) in columns(connection, schema, None).await? {
        tables.entry(table.clone()).or_insert_with(|| empty(table)).columns.push(column.describe());
    }
    for row in sqlx::query(KEYS).bind(schema).fetch_all(&mut *connection).await? {
        add_key(&mut tables, &row)?;
    }
    for row in sqlx::query(SIDE_EFFECTS).bind(schema).fetch_all(&mut *connection).await? {
        let (table, kind, name): (String, String, String) = (row.try_get(0)?, row.try_get(1)?, row.try_get(2)?);
        let Some(effects) = found(&mut tables, &table).map(|table| &mut table.side_effects) else { continue };
        match &*kind {
            "trigger" => effects.triggers.push(name),
            "rule" => effects.rules.push(name),
            "unique" => effects.secondary_unique = true,
            "unlogged" => effects.keeps = Keeps::UntilCrash,
            "nothing" => effects.keeps = Keeps::Nothing,
            _ => effects.row_security = true,
        }
    }
    let missing_schema = match tables.is_empty() {
        true => missing_schema(connection, schema).await?,
        false => None,
    };
    Ok(Catalog { tables, definitions, missing_schema, ..Catalog::default() })
}

/// The schema itself, where there is none of that name.
async fn missing_schema(connection: &mut PgConnection, schema: &str) -> sqlx::Result<Option<String>> {
    let sql = "select exists (select 1 from pg_catalog.pg_namespace n where n.nspname = $1)";
    let exists: bool = sqlx::query(sql).bind(schema).fetch_one(connection).await?.try_get(0)?;
    Ok((!exists).then(|| schema.to_owned()))
}

/// The columns of one table; none where there is no such table.
pub(super) async fn table(
    connection: &mut PgConnection,
    schema: &str,
    table: &TableName,
) -> sqlx::Result<Vec<PgColumn>> {
    let columns = columns(connection, schema, Some(table)).await?;
    Ok(columns.into_iter().map(|(_, column)| column).collect())
}

pub(super) fn empty(name: TableName) -> Table {
    Table {
        name,
        columns: Vec::new(),
        primary_key: Vec::new(),
        unique_keys: Vec::new(),
        foreign_keys: Vec::new(),
        side_effects: SideEffects::default(),
    }
}

fn found<'a>(tables: &'a mut BTreeMap<TableName, Table>, name: &str) -> Option<&'a mut Table> {
    tables.get_mut(&TableName::parse(name).ok()?)
}

/// A name with control characters cannot be mapped, so its column need not be listed.
async fn columns(
    connection: &mut PgConnection,
    schema: &str,
    table: Option<&TableName>,
) -> sqlx::Result<Vec<(TableName, PgColumn)>> {
    let query = sql::query(format!("{TYPES}{COLUMNS}")).bind(schema).bind(table.map(TableName::as_str));
    let mut columns = Vec::new();
    for row in query.fetch_all(connection).await? {
        let table: String = row.try_get(0)?;
        if let (Ok(table), Some(column)) = (TableName::parse(&table), column(&row)?) {
            columns.push((table, column));
        }
    }
    Ok(columns)
}

fn column(row: &PgRow) -> sqlx::Result<Option<PgColumn>> {
    let name: String = row.try_get(1)?;
    let Ok(name) = ColumnName::parse(&name) else { return Ok(None) };
    let base: Oid = row.try_get(3)?;
    let required: bool = row.try_get(6)?;
    Ok(Some(PgColumn {
        name,
        declared: row.try_get(2)?,
        base,
        wire: Wire::of(base.0, row.try_get(4)?, row.try_get(5)?),
        nullable: !required,
        has_default: row.try_get(7)?,
        generated: row.try_get(8)?,
        is_always_identity: row.try_get(9)?,
        sequence: row.try_get(10)?,
        staged: row.try_get(11)?,
        recodes: row.try_get(12)?,
        held: row.try_get(13)?,
    }))
}

/// The columns of a query, as the server describes it.
pub(super) async fn described(
    connection: &mut PgConnection,
    columns: &[sqlx::postgres::PgColumn],
) -> sqlx::Result<Vec<PgColumn>> {
    let names: Vec<&str> = columns.iter().map(sqlx::Column::name).collect();
    let types: Vec<Option<Oid>> = columns.iter().map(|column| column.type_info().oid()).collect();
    let relations: Vec<Option<Oid>> = columns.iter().map(sqlx::postgres::PgColumn::relation_id).collect();
    let numbers: Vec<Option<i16>> = columns.iter().map(sqlx::postgres::PgColumn::relation_attribute_no).collect();
    let query = sql::query(format!("{TYPES}{DESCRIBED}")).bind(names).bind(types).bind(relations).bind(numbers);
    let mut described = Vec::new();
    for row in query.fetch_all(connection).await? {
        described.extend(column(&row)?);
    }
    Ok(described)
}

fn add_key(tables: &mut BTreeMap<TableName, Table>, row: &PgRow) -> sqlx::Result<()> {
    let (table, kind): (String, String) = (row.try_get(0)?, row.try_get(1)?);
    let (other, names): (Option<String>, Vec<String>) = (row.try_get(2)?, row.try_get(3)?);
    let Some(table) = found(tables, &table) else { return Ok(()) };
    let parsed = |names: &[String]| names.iter().map(|name| ColumnName::parse(name).ok()).collect::<Option<Vec<_>>>();
    let Some(columns) = parsed(&names) else { return Ok(()) };
    if kind == "f" {
        let referred: Vec<String> = row.try_get(4)?;
        let other = other.and_then(|other| TableName::parse(&other).ok());
        if let (Some(other), Some(refers_to)) = (other, parsed(&referred)) {
            let on_delete = OnDelete::of_sql(row.try_get(5)?);
            table.foreign_keys.push(ForeignKey { columns, table: other, refers_to, on_delete });
        }
        return Ok(());
    }
    if kind == "p" {
        table.primary_key.clone_from(&columns);
    }
    if !table.unique_keys.contains(&columns) {
        table.unique_keys.push(columns);
    }
    Ok(())
}
