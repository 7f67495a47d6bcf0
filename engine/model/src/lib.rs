//! The nouns of Transload: names, types, plan, states, diagnostics, and the ports that systems implement.
//!
//! Every other crate speaks in these words. This one does no I/O, knows no database and no runtime, so that what is decided
//! here can be tested without either.

mod catalog;
mod clock;
mod code;
mod counts;
mod detection;
mod diagnostic;
mod drift;
mod entity_graph;
mod fault;
mod graph;
mod id;
mod key;
mod ledger;
mod logical;
mod mask_key;
mod name;
mod plan;
mod planted;
mod port;
mod relation;
mod request;
mod state;
mod trial;
mod vocabulary;

pub use catalog::{Catalog, Column, ForeignKey, Keeps, OnDelete, SideEffects, Table};
pub use clock::{Clock, SystemClock};
pub use code::{Code, CodeInfo, Exit, Retry};
pub use counts::Counts;
pub use detection::{Change, ChangeKind, ChangedFields, DetectedEntity, DetectionRecord};
pub use diagnostic::{Diagnostic, Fix, Label, Result, Severity, Side, SourceFile, Subject, nearest, only_near};
pub use drift::{ColumnTrait, Effect, Fit, Presence, TableChange, fit, table_changes};
pub use entity_graph::{Because, Dependency, Edge, EntityGraph, GraphEntity, Waits};
pub use fault::{CellFault, OnFailure, RowFault, Stage};
pub use graph::{Cycle, Waves, circles, waves};
pub use id::RunId;
pub use key::{KeyBytes, KeyError, KeyRange, KeyValue};
pub use ledger::{
    Claim, DISCARDED, Decision, Entry, Fence, Found, HeldRow, Holder, LedgerState, LedgerWrite, MappingRow, OPEN,
    Outcome, Patience, Phase, Position, QuarantineReason, QuarantineRow, Referrer, SegmentHead, SegmentOverlay,
    SegmentPart, SegmentPut, ServerDigest, StreamPosition, Unit,
};
pub use logical::{Conversion, Kind, LogicalType, UnknownType};
pub use mask_key::{MaskKey, WeakKey};
pub use name::{ColumnName, ConnectionName, EntityName, NameError, TableName, snake_case};
pub use plan::{
    Call, ConnectionPlan, CursorPlan, Deferred, DeletePolicy, DetectionPlan, EntityPlan, ErrorBudget, FieldPlan,
    Function, Keep, KeyPlan, KeyStrategy, LoadPolicy, LookupPlan, Mask, MaskPlan, Mint, OnMissing, Plan, PlanError,
    PlanParts, ReadColumn, Reference, RulePlan, Script, Share, TableRef,
};
pub use planted::{Bug, planted};
pub use port::{
    ControlStore, Counted, Destination, DetectionStore, DigestRequest, Drawn, EntityRecord, EntityTransform, Held,
    Horizon, Only, Performance, RangeDigest, ReadRequest, Refusal, RunRecord, Settle, Snapshot, SnapshotReader, Source,
    SourceBatch, TransformContext, TransformFactory, Transformed, UnitNumber, WriteKind,
};
pub use relation::{Relation, Selection};
pub use request::{Requests, Wish};
pub use state::{EntityEvent, EntityState, IllegalStep, RunEvent, RunState};
pub use trial::{Expect, ExpectedFault, Given, TestPlan};
pub use vocabulary::{FunctionInfo, ScriptCheck, ScriptProblem, Vocabulary};
