//! Who can put an error right, where one kind of person can: the first thing a reader of an error wants to know.

use std::fmt;

use super::code::Code;

/// The person whose turn it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum FixedBy {
    /// Who writes the pipeline and the project file.
    Author,
    /// Who runs bridged: credentials, network, clock, time of day.
    Operator,
    /// Who may change the org: permissions, fields, apps, users.
    SalesforceAdmin,
}

impl FixedBy {
    /// All of them.
    pub const ALL: [FixedBy; 3] = [FixedBy::Author, FixedBy::Operator, FixedBy::SalesforceAdmin];

    /// `author`, `operator` or `salesforce_admin`, as JSON has it.
    pub const fn as_str(self) -> &'static str {
        match self {
            FixedBy::Author => "author",
            FixedBy::Operator => "operator",
            FixedBy::SalesforceAdmin => "salesforce_admin",
        }
    }

    /// The same for people: `a Salesforce administrator`.
    pub const fn in_words(self) -> &'static str {
        match self {
            FixedBy::Author => "the author of the pipeline",
            FixedBy::Operator => "the operator of bridged",
            FixedBy::SalesforceAdmin => "a Salesforce administrator",
        }
    }
}

impl FixedBy {
    /// Who puts right what only its code and its text are left of, as in the report of a run that is over.
    ///
    /// A field that cannot be written is an administrator's matter where the text leads through Salesforce's menus, and the
    /// author's where it is one that nobody can write.
    pub fn of_told(code: Code, text: &str) -> Option<Self> {
        match code {
            Code::FieldNotWritable if !text.contains("Setup →") => Some(FixedBy::Author),
            code => code.fixed_by(),
        }
    }
}

impl fmt::Display for FixedBy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.in_words())
    }
}

impl Code {
    /// Who puts it right as a rule; a finding that knows better says so itself.
    ///
    /// Every code that a connection, a check or the writing of a record can raise has an answer. The others have none: who
    /// meets them, fixes them.
    pub const fn fixed_by(self) -> Option<FixedBy> {
        Some(match self {
            // What a pipeline or the project file asks for.
            Code::BatchTooLarge
            | Code::ObjectNotAllowed
            | Code::UnknownField
            | Code::UnknownRelationship
            | Code::RequiredFieldMissing
            | Code::TooManyRelated
            | Code::QueryTimeout
            | Code::QueryRefused
            | Code::QueryTooLong
            | Code::AnswerTooLarge
            | Code::NotFound
            | Code::RequestRefused
            | Code::RequestTooLarge
            | Code::BatchRefused
            | Code::RecordRefused
            | Code::FeatureUnavailable
            | Code::FilterMatchesNothing
            | Code::MappingYieldsNothing
            | Code::TooManyRejected
            | Code::ParentRejected
            | Code::ValueNotListed
            | Code::ValueOutOfRange
            | Code::ValueTooLong
            | Code::WrongValueType
            | Code::KeyMissing => FixedBy::Author,
            // What the place where bridged runs, or the hour, brings with it.
            Code::ConnectionSettings
            | Code::LoginHost
            | Code::MissingVariable
            | Code::HostRefused
            | Code::AddressRefused
            | Code::RedirectRefused
            | Code::TlsFailed
            | Code::ConnectionFailed
            | Code::AnswerCutOff
            | Code::AnswerLate
            | Code::AnswerUnreadable
            | Code::WrongConsumerKey
            | Code::WrongApiKey
            | Code::SignInLimited
            | Code::DailyLimitReached
            | Code::BudgetSpent
            | Code::ForecastTooLarge
            | Code::ConcurrencyLimit
            | Code::SalesforceUnavailable
            | Code::OrgMaintenance
            | Code::QueryLocatorLost
            | Code::ApiVersionUnavailable
            | Code::RecordLocked
            | Code::RecordNotTried
            | Code::WriteConflict
            | Code::WriteUnclear => FixedBy::Operator,
            // What the org grants and has.
            Code::RunAsUserMissing
            | Code::SignInRefused
            | Code::SessionExpired
            | Code::ApiAccessRefused
            | Code::PermissionDenied
            | Code::UserNotApiOnly
            | Code::NoRowsVisible
            | Code::ObjectUnavailable
            | Code::FieldUnavailable
            | Code::ObjectNotWritable
            | Code::FieldNotWritable
            | Code::RecordAccessDenied
            | Code::ParentAccessDenied
            | Code::KeyNotUnique
            | Code::StorageFull => FixedBy::SalesforceAdmin,
            _ => return None,
        })
    }
}
