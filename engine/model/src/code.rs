//! The one table of problem codes.
//!
//! A code is permanent: its number is never used again for something else. Number, word, exit code, HTTP status, retry policy and the
//! sentence an operator reads are decided here and nowhere else, so that no two faces of Transload can disagree about a problem.

use std::fmt;

use serde::{Serialize, Serializer};

/// What the process answers. Zero always means success.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Exit {
    /// Done, nothing wrong.
    Done = 0,
    /// The check ran and found problems, or an entity failed.
    Problems = 1,
    /// Could not do it: a wrong flag, file or variable. Nothing was touched.
    CannotStart = 2,
    /// Finished, but more rows are in quarantine than allowed.
    Quarantine = 3,
    /// Cannot connect or not allowed, or a resource is used up. Trying again may help.
    Unavailable = 4,
    /// Another run holds the destination.
    Locked = 5,
    /// A safety guard refused.
    Refused = 6,
    /// There are differences, where someone asked to be told so by the exit code.
    Different = 10,
    /// A bug in Transload.
    Bug = 70,
    /// Interrupted; what was committed stays, and the next run resumes.
    Interrupted = 130,
    /// The same, by the signal that ends services.
    Terminated = 143,
}

/// What becomes of the work that a problem stands in the way of: its category.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Retry {
    /// It halts, and is not tried again before someone changed something.
    Never,
    /// The same unit is tried again, on a new connection, with growing pauses.
    Backoff,
    /// The unit is tried in smaller and smaller parts. A row that is too much alone goes to quarantine; where all are, it halts.
    Shrink,
    /// A resource is missing: after some slow tries the run is paused, and goes on when it is run again.
    Wait,
    /// The row goes to quarantine, and is tried again when it, or what it needs, has changed.
    WhenRowMoves,
}

impl Retry {
    /// The category's word, which programs read.
    #[must_use]
    pub const fn category(self) -> &'static str {
        match self {
            Self::Never => "halt",
            Self::Backoff => "retry_unit",
            Self::Shrink => "shrink_unit",
            Self::Wait => "wait_and_resume",
            Self::WhenRowMoves => "data",
        }
    }

    /// When the same is tried again, in words.
    #[must_use]
    pub const fn sentence(self) -> &'static str {
        match self {
            Self::Never => "not before something changed",
            Self::Backoff => {
                "the same may work later; a unit is tried `load.max_retry_attempts` times, with growing pauses"
            }
            Self::Shrink => {
                "at once, with half of the rows and half of these, down to one; a row that is too much alone goes to quarantine"
            }
            Self::Wait => {
                "by the next `transload run`, which goes on with this one: it is paused. A missing resource is waited for before, three times and slowly"
            }
            Self::WhenRowMoves => {
                "the row is tried again when it, its spec, or the parent or value that it misses changed, or by `transload quarantine retry`"
            }
        }
    }
}

/// What is decided about a code.
#[derive(Debug)]
pub struct CodeInfo {
    /// `TL0203`.
    pub number: &'static str,
    /// The word of the API and of the quarantine, `UNKNOWN_COLUMN`.
    pub word: &'static str,
    /// What the process answers where this ends it.
    pub exit: Exit,
    /// What HTTP answers.
    pub http: u16,
    /// Its category: whether and how the same is tried again.
    pub retry: Retry,
    /// What it is, in a sentence.
    pub sentence: &'static str,
    /// What to do about it.
    pub remedy: &'static str,
}

macro_rules! codes {
    ($($name:ident $number:literal $word:literal $exit:ident $http:literal $retry:ident $sentence:literal $remedy:literal;)*) => {
        /// A kind of problem.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Code {
            $(#[doc = $sentence] $name,)*
        }

        impl Code {
            /// Every code, by number.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// What is decided about it.
            #[must_use]
            pub const fn info(self) -> &'static CodeInfo {
                match self {
                    $(Self::$name => &CodeInfo {
                        number: $number,
                        word: $word,
                        exit: Exit::$exit,
                        http: $http,
                        retry: Retry::$retry,
                        sentence: $sentence,
                        remedy: $remedy,
                    },)*
                }
            }
        }
    };
}

codes! {
    // TL00: command line and project
    ProjectNotFound "TL0001" "PROJECT_NOT_FOUND" CannotStart 404 Never
        "There is no `transload.yaml` where it was looked for."
        "Run in a project's directory, name one with `--project DIR`, or make one with `transload init NAME --demo`.";
    DirectoryNotEmpty "TL0002" "DIRECTORY_NOT_EMPTY" CannotStart 409 Never
        "The directory for a new project holds files already; nothing is ever overwritten."
        "Give another name, or empty the directory yourself.";
    VariableMissing "TL0003" "VARIABLE_MISSING" CannotStart 422 Never
        "`transload.yaml` reads a variable that is not set."
        "Set it in the environment, or write a default: `${NAME:-default}`.";
    ConnectionUrl "TL0004" "CONNECTION_URL" CannotStart 422 Never
        "A connection's URL cannot be read."
        "Write `sqlite:PATH`, relative to `transload.yaml`, or `postgres://USER:PASSWORD@HOST/DATABASE`. docs/language.md lists the parameters.";
    CannotConnect "TL0005" "DATABASE_CONNECTION_ERROR" Unavailable 503 Backoff
        "A database cannot be opened, or what is there is not a database."
        "Check the path or the URL in `transload.yaml`, and whether the server runs. `create_with: schema.sql` creates a SQLite file that is missing.";
    PermissionDenied "TL0006" "PERMISSION_DENIED" Unavailable 403 Never
        "The database or its directory does not let this user write."
        "Give the user the right, or run as one who has it. SQLite also needs to write beside the file.";
    FileError "TL0007" "FILE_ERROR" CannotStart 500 Never
        "A file of the project cannot be read or written."
        "Look at the file that the message names, and whether this user may read or write it.";
    NoSpecs "TL0008" "NO_SPECS" CannotStart 404 Never
        "No file matches `specs` of `transload.yaml`."
        "Write a spec, let `transload infer` draft some, or correct the pattern. The default is `specs/**/*.yaml`.";
    UnknownRun "TL0009" "SESSION_NOT_FOUND" CannotStart 404 Never
        "No run has that id."
        "`transload status` lists the runs; the last eight characters of an id are enough.";
    UnknownCode "TL0010" "UNKNOWN_CODE" CannotStart 404 Never
        "No problem has that code."
        "`transload explain` without a code lists them all.";
    UnknownEntity "TL0011" "INVALID_ENTITIES" CannotStart 400 Never
        "An entity was named that the project does not have."
        "`transload validate` lists the entities.";
    UnknownEnvironment "TL0012" "UNKNOWN_ENVIRONMENT" CannotStart 404 Never
        "An environment was named that the project does not have."
        "Name one of `environments` in `transload.yaml`, with `--env`, `TRANSLOAD_ENV` or `default_environment`.";
    LockMissing "TL0013" "LOCK_MISSING" CannotStart 404 Never
        "The project has no `transload.lock`, which says what the databases hold where they are not asked."
        "`transload validate --lock`, with the databases, writes it. Commit it.";
    LockUnreadable "TL0014" "LOCK_UNREADABLE" CannotStart 422 Never
        "`transload.lock` is not what this Transload writes: it was edited, badly merged, or made by another version."
        "Remove it, and let `transload validate --lock` write it again.";
    UnknownKey "TL0015" "UNKNOWN_KEY" CannotStart 404 Never
        "No row has that key, or the text is no key of the entity."
        "A key is written as its canonical text, as `transload quarantine` shows it; of several columns, as a JSON array of texts.";
    Unconfirmed "TL0016" "CONFIRMATION_NEEDED" CannotStart 409 Never
        "The environment has `confirm: true`, and nobody confirmed the run."
        "Write the environment's name when asked, or give `--yes`.";
    AuthFailed "TL0020" "AUTH_FAILED" Unavailable 503 Never
        "The database server does not let this user in: the name or the password is wrong, or its rules refuse the address."
        "Check user and password in the variable that holds the URL, and the server's `pg_hba.conf`.";
    TlsError "TL0021" "TLS_ERROR" Unavailable 503 Never
        "The database server could not prove who it is, or speaks no TLS."
        "Name the authority's certificate with `sslrootcert=PATH` in the URL, and the host as the certificate does. On this machine `sslmode=disable` asks for a plain connection.";
    ServerBusy "TL0022" "RESOURCE_EXHAUSTED" Unavailable 503 Backoff
        "The database server has no connection or no memory left to give."
        "Lower `pool` of the connection, or give the server more; then run again.";
    SameFile "TL0023" "SAME_FILE" CannotStart 409 Never
        "Source and destination are one SQLite file that is not in WAL mode: there whoever reads keeps whoever writes waiting, and a run does both."
        "Put the file into WAL mode, once: `sqlite3 FILE 'pragma journal_mode = wal'`. Or move into a file of its own.";
    NothingSelected "TL0030" "NOTHING_SELECTED" CannotStart 404 Never
        "A name or a pattern that should choose tables chooses none."
        "`transload infer --all --dry-run` lists the tables of both ends; names are compared exactly.";
    DraftPlace "TL0031" "DRAFT_PLACE" CannotStart 422 Never
        "`specs` of `transload.yaml` does not say where a new spec belongs."
        "Write a pattern with one star in the file's name and none that must stand for a directory, such as `specs/**/*.yaml`.";
    // TL01: YAML
    SpecSyntax "TL0101" "SPEC_SYNTAX" Problems 422 Never
        "The file is not YAML."
        "Indent with spaces, close every quote and bracket; the label shows where the reader gave up.";
    SpecEmpty "TL0102" "SPEC_EMPTY" Problems 422 Never
        "The file holds no document."
        "Write the spec, or delete the file.";
    SpecMultiDocument "TL0103" "SPEC_MULTI_DOC" Problems 422 Never
        "The file holds more than one document."
        "Put each spec in a file of its own.";
    SpecDuplicateKey "TL0104" "SPEC_DUPLICATE_KEY" Problems 422 Never
        "A key stands twice in one map; one of the two would be ignored."
        "Keep one.";
    SpecUnknownKey "TL0105" "SPEC_UNKNOWN_FIELD" Problems 422 Never
        "A key that the language does not have."
        "Use a key that the language has (docs/language.md), or prefix a note of your own with `x-`.";
    SpecType "TL0106" "SPEC_TYPE" Problems 422 Never
        "A value of another type is expected here."
        "Write a value of the expected type. Only `true` and `false` are booleans; versions are quoted.";
    SpecRequired "TL0107" "SPEC_REQUIRED" Problems 422 Never
        "A required key is missing."
        "Add the key.";
    SpecValue "TL0108" "SPEC_VALUE" Problems 422 Never
        "A value that is not among those allowed here."
        "Use a value that is allowed there; docs/language.md lists them.";
    NotBuilt "TL0109" "NOT_BUILT" Problems 422 Never
        "A key or value that belongs to the language and that this version cannot do yet. It is refused, because ignoring it would change what you asked for."
        "Take it out, or wait for the version that has it; CHANGELOG.md says which does.";
    SpecLimit "TL0110" "SPEC_LIMIT" Problems 422 Never
        "The file is larger, deeper or more entangled than a spec can be."
        "Files have at most 1 MiB, expand to at most 16 MiB and nest at most 64 deep.";
    SpecTag "TL0111" "SPEC_TAG" Problems 422 Never
        "A YAML feature that specs do not use: a custom tag, or the merge key `<<`."
        "Write the value plainly.";
    SpecEncoding "TL0112" "SPEC_ENCODING" Problems 422 Never
        "The file is not UTF-8."
        "Save it as UTF-8.";
    SpecSecret "TL0113" "SPEC_INLINE_SECRET" Problems 422 Never
        "A password or token stands in a file of the project, and so in its history."
        "Take it out, and change it where it is valid. Secrets belong into variables, which connections read as `${NAME}`.";
    // TL02: names and graph
    UnknownReference "TL0201" "SPEC_UNKNOWN_ENTITY" Problems 422 Never
        "A spec refers to an entity that no active spec moves."
        "Name an entity that an active spec moves, or write that entity's spec.";
    DuplicateEntity "TL0202" "SPEC_DUPLICATE_ENTITY" Problems 422 Never
        "Two active specs move the same entity, or write the same table."
        "Rename one, or set `is_active: false` on it.";
    UnknownColumn "TL0203" "UNKNOWN_COLUMN" Problems 422 Never
        "A column that the table does not have."
        "Name a column that the table has; names are compared exactly.";
    UnknownTable "TL0204" "UNKNOWN_TABLE" Problems 422 Never
        "A table that the database does not have."
        "Name a table that the database has, or create it; Transload never creates yours. `create_with` runs only where there is no file yet, or no table in the schema.";
    Cycle "TL0205" "SPEC_CYCLE" Problems 422 Never
        "Entities wait for one another in a circle, or templates use one another in one, so none can go first."
        "Take one of the shown references out.";
    UnknownFunction "TL0206" "UNKNOWN_FUNCTION" Problems 422 Never
        "A transformation that is neither built in, nor in `transforms/`, nor in the spec."
        "`transload explain` lists the functions there are; or define it under `transformation_functions`.";
    FieldConflict "TL0207" "SPEC_CONFLICT" Problems 422 Never
        "Two mappings fill one destination column, or a mapping fills one that is filled otherwise."
        "Keep one.";
    UnknownConnection "TL0208" "UNKNOWN_CONNECTION" Problems 422 Never
        "A connection that `transload.yaml` does not have."
        "Name a connection of `transload.yaml`, or add it under `connections`.";
    UnknownField "TL0209" "UNKNOWN_FIELD" Problems 422 Never
        "A rule or a test names a field that the spec does not fill."
        "Rules and tests name destination fields; map the field, or name one that is mapped.";
    UnknownTemplate "TL0210" "SPEC_UNKNOWN_TEMPLATE" Problems 422 Never
        "A spec uses a template that no file of `templates` has."
        "Name one that there is, or write it: `template: NAME` in a file below `templates/`.";
    SourceSql "TL0211" "SPEC_SOURCE_SQL" Problems 422 Never
        "The source refuses the SQL of `where` or `query`."
        "Correct it; the same SQL must work there as `select * from TABLE where (…)`, or as `select * from (…)`.";
    UnknownVariable "TL0212" "UNKNOWN_VARIABLE" Problems 422 Never
        "An environment sets a variable that `vars` of the project does not have."
        "Name a variable of the project, or write the new one under `vars` of the project, too.";
    // TL03: types and detection
    ImpossibleConversion "TL0301" "IMPOSSIBLE_CONVERSION" Problems 422 Never
        "There is no way from one type to the other that could keep the value."
        "Change `data_type`, or write a transformation that makes the value you want.";
    UnfilledColumn "TL0302" "UNFILLED_COLUMN" Problems 422 Never
        "A destination column is NOT NULL, has no default and gets no value."
        "Map it, or give it a `default_value`.";
    KeyMissing "TL0303" "SPEC_KEY" Problems 422 Never
        "There is no way to tell which old row became which new row."
        "Write `key: { source: id, destination: id }`, with the columns that identify a row on either end.";
    UnfitColumn "TL0304" "UNFIT_COLUMN" Problems 422 Never
        "The destination column would change the value on storing it."
        "Change the column's type, or the field's `data_type`.";
    KeyType "TL0305" "KEY_TYPE" Problems 422 Never
        "A key column's type has no order and identity that all systems agree on."
        "Keys may be integer, text, uuid, date or timestamp.";
    ReferenceType "TL0306" "REFERENCE_TYPE" Problems 422 Never
        "A reference cannot be looked up: its type or its number of columns is not that of the parent's source key."
        "Give a value of the type of each column of that key: as one `source_field`, or as a list of them in the key's order.";
    RuleParameter "TL0307" "RULE_PARAMETER" Problems 422 Never
        "A rule's parameters do not fit the rule or the field."
        "docs/language.md lists what each rule takes.";
    FunctionArgument "TL0308" "FUNCTION_ARGUMENT" Problems 422 Never
        "A transformation's arguments or input do not fit it."
        "`transload explain` with the function's name shows what it takes.";
    KeyNotUnique "TL0309" "KEY_NOT_UNIQUE" Problems 422 Never
        "Several source rows have the same key, so one would overwrite the other."
        "Add columns to `key.source` until they identify a row.";
    KeyChanged "TL0310" "KEY_CHANGED" Refused 409 Never
        "The key's strategy, namespace, columns or types, the destination table, or the entity's name changed after rows were loaded, so that those rows could not be found again."
        "Undo the change, or start over with an empty destination and no ledger (`transload_*` tables; on PostgreSQL, schema `transload`).";
    TableRules "TL0311" "TABLE_RULES" Problems 422 Never
        "Rules of the destination table rewrite the statements that write its rows, so that it could not be told what arrives."
        "Drop the rules, or disable them while you migrate.";
    RowSecurity "TL0312" "ROW_SECURITY" Problems 422 Never
        "Policies of a table hide or refuse rows for this user, so that rows could be missing without notice."
        "Connect as the table's owner, or as a role with BYPASSRLS.";
    TableTriggers "TL0313" "TABLE_TRIGGERS" Done 422 Never
        "The destination table has triggers, which fire for the rows that Transload writes. It is only a warning."
        "Where they should not fire, drop or disable them while you migrate.";
    InsertOnlyColumn "TL0314" "INSERT_ONLY_COLUMN" Problems 422 Never
        "A field fills a column that takes a value when a row is inserted and never again, so that the row could not be updated later."
        "Take the mapping out, make the column part of the key, or alter it to `generated by default`.";
    NewColumn "TL0315" "NEW_COLUMN" Problems 422 Never
        "`auto_map` covers a column that was not there when the project was locked."
        "`transload validate --lock` takes it over; `auto_map: { exclude: [COLUMN] }` leaves it out for good.";
    LockStale "TL0316" "LOCK_STALE" Done 422 Never
        "A table is not as `transload.lock` says, and a person should look at it. It is only a warning: the databases count."
        "`transload drift` shows what changed and what it touches; `transload drift --accept` takes over what is well so.";
    NarrowColumn "TL0317" "NARROW_COLUMN" Done 422 Never
        "A destination column is narrower than the column that goes into it. It is only a warning: rows that do not fit are set aside."
        "Widen the destination column, or say what may be lost: `cut` for text, `rounded` for digits behind the point.";
    TestFailed "TL0318" "TEST_FAILED" Problems 422 Never
        "A test of a spec expects something else than the spec gives."
        "Correct the spec, or the test; `transload preview ENTITY --as-test` writes what the spec gives now.";
    LoadedTable "TL0319" "LOADED_TABLE" Problems 422 Never
        "The rule `foreign_key` looks in a table that an entity of the project loads, so that its answer would depend on which of the two comes first."
        "Take the rule out and write `references: ENTITY` on the field: it waits for that entity, and turns old keys into new ones.";
    OldKey "TL0320" "OLD_KEY" Done 422 Never
        "A field copies an old key into a column that refers to rows with new keys, where it finds nobody, or somebody else. It is only a warning."
        "Write `references: ENTITY` on the field, so that the old key becomes that entity's new key.";
    MaskUnfit "TL0321" "MASK_UNFIT" Problems 422 Never
        "A mask that its column cannot have: of another type, or in a column that must stay as it is, because keys are found by it."
        "Take a strategy that fits the type. A key is hidden by a key of its own: `key: { strategy: uuid_v5 }`, and a mask on no key column.";
    MaskKeyMissing "TL0322" "MASK_KEY" CannotStart 422 Never
        "Columns are masked in this environment, and the project has no key for it, or one that could be guessed."
        "Write `masking: { key: \"${MASK_KEY:?}\" }` into `transload.yaml`, and set the variable to what `openssl rand -base64 32` prints.";
    MaskBypassed "TL0323" "MASK_BYPASSED" Done 422 Never
        "A column that one spec masks is read by another spec as it is. It is only a warning."
        "Mask it there, too, or take the mapping out.";
    Residency "TL0324" "RESIDENCY" Refused 403 Never
        "An entity's `residency` does not have the region of a connection that its rows come from or go to."
        "Choose an environment whose connections are in one of these regions, or write the connection's `region` where it is missing.";
    ViewWritten "TL0325" "VIEW_WRITTEN" Problems 422 Never
        "The destination table is a view that rows cannot be inserted into, changed in and deleted from."
        "Write to the tables behind the view. On PostgreSQL, triggers `instead of` insert, update and delete make a view take rows.";
    TableUnlogged "TL0326" "TABLE_UNLOGGED" Done 422 Never
        "The destination table is unlogged: a crash of its server empties it, while the ledger remembers what was loaded. It is only a warning."
        "`alter table TABLE set logged`. After a crash, the next run says that the rows are gone.";
    // TL04: rows and loading
    ValueType "TL0401" "VALUE_TYPE" Problems 422 WhenRowMoves
        "A value of another type than its column promises."
        "Correct the row at the source, or read the column as text and convert it in a transformation.";
    ValueRange "TL0402" "VALUE_RANGE" Problems 422 WhenRowMoves
        "A value that the type cannot hold exactly. Values are never rounded or cut."
        "Widen the type, or round on purpose in a transformation.";
    ValueEncoding "TL0403" "VALUE_ENCODING" Problems 422 WhenRowMoves
        "A text that is not UTF-8."
        "Correct the row at the source.";
    ValueFormat "TL0404" "VALUE_FORMAT" Problems 422 WhenRowMoves
        "A text that does not have the format asked for."
        "Correct the row, or the field's `format`.";
    ValueUnmapped "TL0405" "VALUE_UNMAPPED" Problems 422 WhenRowMoves
        "A value that `value_map` does not list."
        "Add it to the map, or set `on_unmapped`.";
    RequiredMissing "TL0406" "REQUIRED_MISSING" Problems 422 WhenRowMoves
        "NULL where a value is required."
        "Correct the row, or give the field a `default_value`.";
    RuleRequired "TL0407" "RULE_REQUIRED" Problems 422 WhenRowMoves
        "The rule `required` found NULL or empty text."
        "Correct the row, or the rule.";
    RuleUnique "TL0408" "RULE_UNIQUE" Problems 422 WhenRowMoves
        "The rule `unique` found another row with the value."
        "Correct one of the two rows; the one with the lower source key is kept.";
    RuleFormat "TL0409" "RULE_FORMAT" Problems 422 WhenRowMoves
        "The rule `format` found a value that does not match its pattern."
        "Correct the row, or the pattern.";
    RuleRange "TL0410" "RULE_RANGE" Problems 422 WhenRowMoves
        "The rule `range` found a value outside its bounds."
        "Correct the row, or the bounds.";
    ParentMissing "TL0411" "PARENT_MISSING" Problems 422 WhenRowMoves
        "The row refers to a row that is not in the destination."
        "Mend or add the parent; the row is tried again by itself when its parent entity gains rows.";
    ConstraintCheck "TL0412" "CONSTRAINT_CHECK" Problems 422 WhenRowMoves
        "A check of the destination refused the row."
        "Correct the row, or add a rule or transformation that foresees the case.";
    ConstraintUnique "TL0413" "CONSTRAINT_UNIQUE" Problems 422 WhenRowMoves
        "A unique constraint of the destination refused the row: another row has the value."
        "Find the other row. If it was not loaded by Transload, decide which of the two stays.";
    ConstraintNotNull "TL0414" "CONSTRAINT_NOT_NULL" Problems 422 WhenRowMoves
        "A NOT NULL constraint of the destination refused the row."
        "Correct the row, or give the field a `default_value`.";
    ConstraintForeignKey "TL0415" "CONSTRAINT_FOREIGN_KEY" Problems 422 WhenRowMoves
        "A foreign key of the destination refused the change."
        "Map the column with `references`, so that the parent is looked up before.";
    ConstraintOther "TL0416" "CONSTRAINT_OTHER" Problems 422 WhenRowMoves
        "A trigger or type of the destination refused the row."
        "The message holds the destination's own words where they name no value.";
    KeyNull "TL0417" "KEY_NULL" Problems 422 WhenRowMoves
        "The row has NULL, or a value of another type, in its key and so cannot be told apart."
        "Give the row a key at the source.";
    RowTooLarge "TL0418" "ROW_TOO_LARGE" Problems 422 WhenRowMoves
        "The row holds more than 32 MiB."
        "Leave the large column out, or move it by other means.";
    DeleteRefused "TL0419" "DELETE_REFUSED" Problems 409 WhenRowMoves
        "The row is gone from the source, and the destination keeps it: another row still refers to it."
        "Move or delete the rows that refer to it at the source; the delete is tried again in the next run that writes anything.";
    ErrorBudget "TL0420" "MAX_ERRORS" Quarantine 422 Never
        "More rows failed than `load.max_errors` allows. What was committed stays; the next run goes on from there."
        "Look at the reasons first. Then mend the rows or the spec, or raise `max_errors`.";
    DeleteGuard "TL0421" "DELETE_GUARD" Refused 409 Never
        "More rows are gone from the source than `deletes.max` allows to delete. None was deleted; all else is loaded."
        "Check that the source is the right one and complete. If it is, run again with `--max-deletes`.";
    RowCountMismatch "TL0422" "ROWCOUNT_MISMATCH" Problems 500 Never
        "The destination changed another number of rows than it was told to. The unit was rolled back."
        "Look for triggers, rules or views that swallow rows.";
    StorageFull "TL0423" "PAUSED_RESOURCE" Unavailable 507 Wait
        "The destination has no space left. The unit was rolled back; nothing is half-written."
        "Free space, then run again: it goes on after the last committed unit.";
    KeyOrder "TL0424" "KEY_ORDER" Problems 500 Never
        "The source gave its rows in another order than their keys have, so what is missing cannot be told from what comes later."
        "Look for keys that only differ by type or by their database's collation.";
    DestinationNotEmpty "TL0425" "DESTINATION_NOT_EMPTY" Refused 409 Never
        "A destination table holds rows, but no ledger says where they came from."
        "Empty the table, or load into another one.";
    ParentFailed "TL0426" "PARENT_FAILED" Problems 424 Backoff
        "The entity did not start, because one that it waits for failed."
        "Mend that one; the next run goes on with both.";
    SourceFailed "TL0427" "SOURCE_READ_ERROR" Unavailable 503 Backoff
        "The source could not be read to the end. What was committed stays, and nothing was deleted."
        "The message holds the database's reason.";
    DestinationFailed "TL0428" "DESTINATION_ERROR" Unavailable 503 Never
        "The destination failed outside any row. The unit was rolled back."
        "The message holds the database's reason.";
    RowFailed "TL0429" "ROW_FAILED" Problems 422 WhenRowMoves
        "A row broke a rule whose failure stops the entity (`on_failure: fail`)."
        "Mend the row, or relax the rule.";
    Interrupted "TL0430" "INTERRUPTED" Interrupted 409 Wait
        "The run was asked to stop. What was committed stays."
        "`transload run` goes on after the last committed unit.";
    SchemaDrift "TL0431" "SCHEMA_DRIFT" Refused 409 Never
        "A table or column is not there any more, or is not what it was when the project was locked or the run began."
        "See what changed: `transload drift`. Adapt the spec or the table, or accept the change, and run again; what was committed stays.";
    RuleLength "TL0432" "RULE_LENGTH" Problems 422 WhenRowMoves
        "The rule `length` found a text or bytes that are too short or too long."
        "Correct the row, or the bounds.";
    RuleEnum "TL0433" "RULE_ENUM" Problems 422 WhenRowMoves
        "The rule `enum` found a value that is not in its list."
        "Correct the row, or add the value to the list.";
    RuleJsonSchema "TL0434" "RULE_JSON_SCHEMA" Problems 422 WhenRowMoves
        "The rule `json_schema` found a text that is no JSON document, or one that its schema does not describe."
        "Correct the row, or the schema.";
    RuleExpression "TL0435" "RULE_EXPRESSION" Problems 422 WhenRowMoves
        "The script of the rule `expression` gave false, or threw."
        "Correct the row, or the script; `transload preview ENTITY --key KEY` shows the row.";
    RuleForeignKey "TL0436" "RULE_FOREIGN_KEY" Problems 422 WhenRowMoves
        "The rule `foreign_key` found a value that is not in the table where it looks."
        "Add the value to that table, or correct the row; it is tried again when the table's values have changed.";
    Paused "TL0437" "PAUSED" Interrupted 409 Never
        "The run or the entity was paused. What was committed stays."
        "`transload resume RUN` goes on after the last committed unit, `transload resume RUN ENTITY` takes one entity up again.";
    Cancelled "TL0438" "CANCELLED" Interrupted 409 Never
        "The run or the entity was cancelled. What was committed stays."
        "`transload run` begins anew, and finds what was loaded unchanged.";
    TimedOut "TL0439" "RUN_TIMEOUT" Interrupted 408 Backoff
        "The run's time was over before its work was. What was committed stays."
        "`transload run` goes on after the last committed unit; give it more time with `--timeout`.";
    ReadOnly "TL0440" "DESTINATION_READ_ONLY" Unavailable 503 Wait
        "The destination takes no changes just now: it was set to read-only, or is a replica. The unit was rolled back."
        "Let it take changes again, or name the primary server; then run again: it goes on after the last committed unit.";
    StatementTimeout "TL0441" "STATEMENT_TIMEOUT" Unavailable 504 Shrink
        "The destination stopped a statement that took longer than its `statement_timeout`, down to a single row."
        "Raise `statement_timeout` for the connection's user, or look at what triggers and locks of the table take so long.";
    DestinationBusy "TL0442" "DESTINATION_BUSY" Unavailable 503 Backoff
        "The destination was busy or lost the connection, more often than a unit is tried again. The unit was rolled back."
        "Run again later. If other work always comes in between, raise `load.max_retry_attempts`.";
    PlanOutdated "TL0443" "PLAN_OUTDATED" Refused 409 Never
        "What a detection found is not so any more: rows moved since, or their spec did. Such rows are left alone."
        "`transload detect` again, look at what it finds, and run that.";
    DestinationNotMade "TL0444" "DESTINATION_NOT_MADE" CannotStart 409 Never
        "The destination's tables do not exist yet."
        "The first `transload run` makes them, where the connection has `create_with`.";
    CursorOverlooked "TL0445" "CURSOR_OVERLOOKED" Done 409 Never
        "Rows changed at the source without setting the column that says when: the run read them because their turn had come."
        "Let every writer set the column, or take `strategy: hash` for this entity, which finds such changes at once.";
    UnknownDrift "TL0446" "UNKNOWN_DRIFT" CannotStart 404 Never
        "Nothing that changed since the project was locked has that name."
        "`transload drift` lists what changed. Name a column as `CONNECTION.TABLE.COLUMN`, what is about no column as `CONNECTION.TABLE`; `*` and `?` stand for others.";
    NotWritten "TL0447" "COLUMN_NOT_WRITTEN" CannotStart 404 Never
        "A column was named that none of these entities writes."
        "Name columns of the destination that are filled: `transload preview ENTITY --all` shows them.";
    MaskLeak "TL0448" "MASK_LEAK" Problems 422 WhenRowMoves
        "A field of the row shows what a mask of another column hides."
        "Mask the column that shows it, too, or do not map it.";
    MaskStale "TL0449" "MASK_STALE" Problems 409 Never
        "The destination holds rows that were written before their columns were masked, and that no run can write again: they fail, were discarded, or are gone from the source."
        "Mend rows that fail and run again; `transload quarantine retry` those that were discarded; those that are gone go with `deletes: { mode: hard }`. What `mode: soft` keeps stays as it is: load into an empty destination.";
    SnapshotExpired "TL0450" "SNAPSHOT_EXPIRED" Interrupted 408 Backoff
        "The run saw the source as it was at one moment for as long as it may. What was committed stays."
        "`transload run` goes on after the last committed unit, with what the source holds by then; raise `execution.snapshot_max_age` where the source bears it.";
    UnreadSpec "TL0451" "SPEC_UNREAD" Done 422 Never
        "A file beside the specs looks like one, and `specs` does not match its name: its entity is not moved. It is only a warning."
        "Give it a name that `specs` of `transload.yaml` matches, as `NAME.yaml`, or move it elsewhere.";
    // TL05: ledger and resume
    LedgerVersion "TL0501" "STATE_VERSION_UNSUPPORTED" CannotStart 409 Never
        "The ledger in the destination has another version than this Transload knows."
        "Use the Transload that wrote it, or a later one. A ledger from before the first release has no way on: begin anew with empty tables and no ledger.";
    LedgerCorrupted "TL0502" "CHECKPOINT_CORRUPTED" Problems 500 Never
        "The ledger in the destination does not add up: a segment's content is not what its digest says."
        "Restore the destination from a backup taken with its ledger.";
    InProgress "TL0503" "MIGRATION_IN_PROGRESS" Locked 409 Backoff
        "Another run holds this destination."
        "Wait for it, or stop it. A run whose process is gone is taken over by itself.";
    Fenced "TL0504" "FENCED" Locked 409 Never
        "Another run took the destination over. This one stopped without writing."
        "Nothing to mend; look at the other run with `transload status`.";
    LedgerMismatch "TL0505" "LEDGER_MISMATCH" Refused 409 Never
        "The destination holds fewer rows than were loaded into it: someone else removed some."
        "`transload verify --repair` brings them back from the source, and `change_detection: { strategy: full }` in the spec does so in every run. Or start over with an empty destination and no ledger (`transload_*` tables; on PostgreSQL, schema `transload`).";
    SpecChanged "TL0506" "SPEC_CHANGED" Done 409 Never
        "The spec changed since the last run. Rows whose source did not move keep what they got then."
        "`transload run --remap` derives every row again and writes what differs.";
    ControlStore "TL0507" "STATE_STORE_ERROR" Unavailable 503 Backoff
        "The control store cannot be read or written. The destination is not affected by it."
        "Check the path or the URL under `control`. Where the store is lost or broken, `transload adopt` makes it again from the ledger in the destination.";
    RunEnded "TL0508" "RUN_STATE" CannotStart 409 Never
        "A run or an entity in this state cannot take what was asked of it."
        "`transload status RUN` shows its state. What has ended can be neither paused nor cancelled.";
    RunNotHeld "TL0509" "RUN_NOT_HELD" CannotStart 409 Never
        "The ledger in the destination does not hold that run, so there is nothing of it to go on with."
        "`transload run` goes on with the run that the ledger holds, or begins a new one.";
    WriterStuck "TL0510" "DESTINATION_LOCKED" Locked 409 Backoff
        "Another process is in the middle of writing to the destination and does not let go of it."
        "Wait for that process, or end it; then run again.";
    LedgerMissing "TL0511" "LEDGER_MISSING" CannotStart 404 Never
        "The destination holds no ledger, so it does not say what ran."
        "Check `destination` and its URL. The first `transload run` makes the ledger; where rows are there without one, `transload run --adopt-existing`.";
    RunUnfinished "TL0512" "RUN_UNFINISHED" Refused 409 Never
        "An interrupted run lies before the destination, and what was asked for cannot go on with it."
        "`transload run` goes on with it; `transload cancel RUN` gives it up, what was committed stays.";
    DestinationRegressed "TL0513" "DESTINATION_REGRESSED" Unavailable 503 Wait
        "The destination went back to an earlier state: a backup was restored, or a replica took over that had not heard of the last commits. Or it is another one than that of the last run."
        "Nothing is lost: run again, and what is missing is loaded again. If nobody restored a backup, look at what became of the server.";
    ServerIdentity "TL0514" "SERVER_IDENTITY" Refused 409 Never
        "The destination is another server or file than the one that the run began on: its address leads elsewhere now, or it is a copy."
        "Look at where the connection leads. To go on with a copy, give the interrupted run up with `transload cancel RUN`; then run again.";
    SharedSession "TL0515" "SESSION_SHARED" Unavailable 503 Never
        "Something between Transload and the server hands one session to several clients, or another session to each transaction."
        "Connect to the server itself, or let the pooler keep a session for each client (PgBouncer: `pool_mode = session`).";
    EntityWithoutSpec "TL0516" "ENTITY_WITHOUT_SPEC" Done 409 Never
        "Rows of an entity were loaded, and no spec of the project names it any more. It is only a warning: what becomes of them at the source is not moved."
        "Bring its spec back, with `is_active: false` where it is to rest. docs/ledger.md says how to give an entity up for good.";
    // TL08: scripts
    ScriptSyntax "TL0801" "SCRIPT_PARSE" Problems 422 Never
        "A script is not rhai."
        "The label shows where the reader gave up.";
    ScriptUnknownName "TL0802" "SCRIPT_UNKNOWN_NAME" Problems 422 Never
        "A script uses a variable or function that does not exist."
        "A script sees `value`, `row`, `vars`, `env`, `now`, rhai's standard functions and those of `transforms/`.";
    ScriptUnknownColumn "TL0803" "SCRIPT_UNKNOWN_FIELD" Problems 422 Never
        "A script reads a column that the source table does not have."
        "Columns are read as `row.name` or `row[\"name\"]`, by names that the source table has.";
    ScriptShadow "TL0804" "SCRIPT_SHADOW" Problems 422 Never
        "A script or library file defines a name that is given already; one of the two would be hidden."
        "Take another name.";
    ScriptForbidden "TL0805" "SCRIPT_FORBIDDEN" Problems 422 Never
        "A script uses something that would make it impure: `eval`, `import`, `print`, time or sleep."
        "Scripts are pure: the same row gives the same result. `now` is the run's start.";
    ScriptFloat "TL0806" "SCRIPT_LINT" Done 422 Never
        "A script computes with floats for a decimal field: 0.1 + 0.2 is not 0.3 there. It is only a warning."
        "Write `parse_decimal(\"0.1\")`; decimals stay decimals.";
    ScriptSlow "TL0807" "SCRIPT_SLOW" Done 422 Never
        "The scripts of an entity take long for each row. It is only a warning."
        "Look for loops over long texts, and for work that a built-in function does.";
    ScriptThrown "TL0810" "SCRIPT_THROWN" Problems 422 WhenRowMoves
        "A script refused the row with `throw`."
        "The message is the script's own.";
    ScriptLimit "TL0811" "SCRIPT_LIMIT" Problems 422 WhenRowMoves
        "A script took more steps, depth or memory than a row may cost."
        "Look for a loop that does not end.";
    ScriptResultType "TL0812" "SCRIPT_RESULT_TYPE" Problems 422 WhenRowMoves
        "A script gave a value that the field's type cannot take."
        "Return the type that the field has, or `()` for NULL.";
    ScriptFailed "TL0813" "SCRIPT_FAILED" Problems 422 WhenRowMoves
        "A script failed on a row: a function that does not take the type it got, an overflow, a division by zero."
        "Handle the case in the script; NULL is `()`.";
}

impl Code {
    /// Whether only a destination tells that a row fails with it, so that no test of a spec can show it.
    #[must_use]
    pub const fn is_of_destination(self) -> bool {
        matches!(
            self,
            Self::ConstraintCheck
                | Self::ConstraintUnique
                | Self::ConstraintNotNull
                | Self::ConstraintForeignKey
                | Self::ConstraintOther
                | Self::DeleteRefused
        )
    }

    /// The code with that number or word, in any case.
    #[must_use]
    pub fn find(text: &str) -> Option<Self> {
        let is_it = |code: &&Self| {
            let info = code.info();
            info.number.eq_ignore_ascii_case(text) || info.word.eq_ignore_ascii_case(text)
        };
        Self::ALL.iter().find(is_it).copied()
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.info().number)
    }
}

impl Serialize for Code {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.info().word)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_words_are_used_once_and_in_order() {
        let numbers: Vec<&str> = Code::ALL.iter().map(|code| code.info().number).collect();
        assert!(numbers.windows(2).all(|pair| pair[0] < pair[1]), "{numbers:?}");
        let mut words: Vec<&str> = Code::ALL.iter().map(|code| code.info().word).collect();
        words.sort_unstable();
        words.dedup();
        assert_eq!(words.len(), Code::ALL.len());
    }

    #[test]
    fn the_table_reads_like_this() {
        let line = |code: &Code| {
            let info = code.info();
            format!(
                "{} {:<26} exit {:>3}  http {}  {:?}\n",
                info.number, info.word, info.exit as i32, info.http, info.retry
            )
        };
        insta::assert_snapshot!(Code::ALL.iter().map(line).collect::<String>());
    }
}
