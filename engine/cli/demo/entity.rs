//! The entities of the clinic and how many rows each has.

/// An entity, by the table that its spec reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Entity {
    Offices,
    Doctors,
    Patients,
    Orders,
    Jaw,
    SystemMessages,
}

impl Entity {
    pub(super) const ALL: [Self; 6] =
        [Self::Offices, Self::Doctors, Self::Patients, Self::Orders, Self::Jaw, Self::SystemMessages];

    /// Rows in its table, the broken ones included. Keys run from 1 to this number.
    pub(super) const fn row_count(self) -> u32 {
        match self {
            Self::Offices => 1_250,
            Self::Doctors => 2_400,
            Self::Patients => 18_000,
            Self::Orders => 36_000,
            Self::Jaw => 32,
            Self::SystemMessages => 3_558,
        }
    }

    /// The last key of its table; for messages, whose key is not a number, the last row id.
    pub(super) fn last_key(self) -> i64 {
        i64::from(self.row_count())
    }

    /// Where the legacy database keeps it.
    pub(super) const fn source_table(self) -> &'static str {
        match self {
            Self::Offices => "dispatch_offices",
            Self::Doctors => "dispatch_doctors",
            Self::Patients => "dispatch_patients",
            Self::Orders => "dispatch_orders",
            Self::Jaw => "jaw_types",
            Self::SystemMessages => "sys_messages",
        }
    }
}
