//! Known bugs, planted by tests to show that they would be caught.
//!
//! A suite that never met the bug it is there for proves nothing. So where a mistake would lose, double or delete rows, a hook makes it on
//! purpose, one in each process. Without the feature `planted-bugs`, which nothing but a test asks for, [`planted`] is never true, the
//! compiler takes the hooks out, and no binary that is shipped reads the variable.

macro_rules! bugs {
    ($($(#[doc = $doc:literal])+ $bug:ident),+ $(,)?) => {
        /// What is done wrong.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Bug {
            $($(#[doc = $doc])+ $bug,)+
        }

        impl Bug {
            /// All there are.
            pub const ALL: &[Self] = &[$(Self::$bug),+];

            /// How the variable names it.
            #[must_use]
            pub fn name(self) -> &'static str {
                match self { $(Self::$bug => stringify!($bug)),+ }
            }
        }
    };
}

bugs! {
    /// The position is committed before the rows.
    PositionFirst,
    /// The rows are committed before the position.
    RowsFirst,
    /// Rows go to quarantine behind the transaction.
    QuarantineOutside,
    /// Keys are mapped behind the transaction.
    MappingsOutside,
    /// A commit that failed counts as done.
    CommitSwallowed,
    /// A unit goes on though the statement that failed ended its transaction.
    TransactionEnded,
    /// A table's epoch is not looked at.
    NoFence,
    /// A stream's `seq` is not looked at.
    RedoCommitted,
    /// A resumed run leaves out the row behind the position.
    ResumeTooFar,
    /// A resumed run forgets that rows before the position have open references.
    ReferencesLeftOpen,
    /// Rows that the destination refused count as loaded.
    RefusalsIgnored,
    /// The ledger keeps what it held of modified rows.
    SegmentsLeft,
    /// Rows are digested without the lengths of their texts.
    NoLengthInDigest,
    /// A stream leaves out the row at which its range begins.
    SeamLost,
    /// Each reader sees a moment of its own.
    ManyMoments,
    /// A source that is empty deletes everything, if that is no more than allowed.
    EmptySourceDeletes,
    /// As much is deleted as is gone.
    GuardOff,
    /// Deletes that were refused once are forgotten.
    DeletesForgotten,
}

/// Whether this process has the bug.
#[cfg(feature = "planted-bugs")]
#[must_use]
pub fn planted(bug: Bug) -> bool {
    static PLANTED: std::sync::LazyLock<Option<String>> =
        std::sync::LazyLock::new(|| std::env::var("TRANSLOAD_PLANTED_BUG").ok());
    PLANTED.as_deref() == Some(bug.name())
}

/// Whether this process has the bug: it has none.
#[cfg(not(feature = "planted-bugs"))]
#[must_use]
pub const fn planted(_: Bug) -> bool {
    false
}
