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
    /// Who may change the Meta business portfolio: its WhatsApp accounts, numbers, templates and system users.
    MetaAdmin,
}

impl FixedBy {
    /// All of them.
    pub const ALL: [FixedBy; 4] = [
        FixedBy::Author,
        FixedBy::Operator,
        FixedBy::SalesforceAdmin,
        FixedBy::MetaAdmin,
    ];

    /// `author`, `operator`, `salesforce_admin` or `meta_admin`, as JSON has it.
    pub const fn as_str(self) -> &'static str {
        match self {
            FixedBy::Author => "author",
            FixedBy::Operator => "operator",
            FixedBy::SalesforceAdmin => "salesforce_admin",
            FixedBy::MetaAdmin => "meta_admin",
        }
    }

    /// The same for people: `a Salesforce administrator`.
    pub const fn in_words(self) -> &'static str {
        match self {
            FixedBy::Author => "the author of the pipeline",
            FixedBy::Operator => "the operator of bridged",
            FixedBy::SalesforceAdmin => "a Salesforce administrator",
            FixedBy::MetaAdmin => "an administrator of the Meta business portfolio",
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
    pub fn fixed_by(self) -> Option<FixedBy> {
        let turns = [
            (FixedBy::Author, AUTHOR),
            (FixedBy::Operator, OPERATOR),
            (FixedBy::SalesforceAdmin, ADMIN),
            (FixedBy::MetaAdmin, META),
        ];
        let turn = turns.iter().find(|(_, codes)| codes.contains(&self));
        turn.map(|(who, _)| *who)
    }
}

/// What a pipeline or the project file asks for.
const AUTHOR: &[Code] = &[
    Code::BatchTooLarge,
    Code::ObjectNotAllowed,
    Code::UnknownField,
    Code::UnknownRelationship,
    Code::RequiredFieldMissing,
    Code::TooManyRelated,
    Code::QueryTimeout,
    Code::QueryRefused,
    Code::QueryTooLong,
    Code::AnswerTooLarge,
    Code::NotFound,
    Code::RequestRefused,
    Code::RequestTooLarge,
    Code::BatchRefused,
    Code::RecordRefused,
    Code::FeatureUnavailable,
    Code::FilterMatchesNothing,
    Code::MappingYieldsNothing,
    Code::TooManyRejected,
    Code::ParentRejected,
    Code::ValueNotListed,
    Code::ValueOutOfRange,
    Code::ValueTooLong,
    Code::WrongValueType,
    Code::KeyMissing,
    Code::WhatsappTemplateMissing,
    Code::WhatsappTemplateMismatch,
    Code::WhatsappTemplateUnchecked,
    Code::WhatsappMessageRefused,
    Code::RecipientInvalid,
    Code::MessageValueRefused,
    Code::CampaignChanged,
];

/// What the place where bridged runs, or the hour, brings with it.
const OPERATOR: &[Code] = &[
    Code::ConnectionSettings,
    Code::LoginHost,
    Code::MissingVariable,
    Code::HostRefused,
    Code::AddressRefused,
    Code::RedirectRefused,
    Code::TlsFailed,
    Code::ConnectionFailed,
    Code::AnswerCutOff,
    Code::AnswerLate,
    Code::AnswerUnreadable,
    Code::WrongConsumerKey,
    Code::WrongApiKey,
    Code::SecretRequired,
    Code::PrivateKeyUnusable,
    Code::CodeExpired,
    Code::SignInDenied,
    Code::AudienceRefused,
    Code::NotConnected,
    Code::ReconnectNeeded,
    Code::ConnectionBusy,
    Code::SignInStray,
    Code::SignInLate,
    Code::CallbackPortTaken,
    Code::SecretFileRefused,
    Code::VaultKeyMissing,
    Code::VaultKeyLost,
    Code::VaultKeyInvalid,
    Code::VaultKeyFileRefused,
    Code::VaultSecretRefused,
    Code::VaultTampered,
    Code::AuditBroken,
    Code::StoreExposed,
    Code::SignInLimited,
    Code::DailyLimitReached,
    Code::BudgetSpent,
    Code::ForecastTooLarge,
    Code::ConcurrencyLimit,
    Code::SalesforceUnavailable,
    Code::OrgMaintenance,
    Code::QueryLocatorLost,
    Code::ApiVersionUnavailable,
    Code::RecordLocked,
    Code::RecordNotTried,
    Code::WriteConflict,
    Code::WriteUnclear,
    Code::WhatsappTokenRefused,
    Code::WhatsappIdUnknown,
    Code::WhatsappLimitReached,
    Code::WhatsappUnavailable,
    Code::WhatsappRequestRefused,
    Code::IdentityKeyMissing,
    Code::IdentityKeyChanged,
    Code::SendingStopped,
    Code::ServerRunning,
    Code::PublicAddressRefused,
    Code::WhatsappRecipientRefused,
];

/// What the org grants and has.
const ADMIN: &[Code] = &[
    Code::RunAsUserMissing,
    Code::SignInRefused,
    Code::AppNotApproved,
    Code::CallbackMismatch,
    Code::ScopeMissing,
    Code::UserInactive,
    Code::OrgInactive,
    Code::IpRestricted,
    Code::LoginHours,
    Code::SessionExpired,
    Code::ApiAccessRefused,
    Code::PermissionDenied,
    Code::UserNotApiOnly,
    Code::NoRowsVisible,
    Code::ObjectUnavailable,
    Code::FieldUnavailable,
    Code::ObjectNotWritable,
    Code::FieldNotWritable,
    Code::RecordAccessDenied,
    Code::ParentAccessDenied,
    Code::KeyNotUnique,
    Code::StorageFull,
];

/// What the Meta business portfolio grants and has.
const META: &[Code] = &[
    Code::WhatsappPermissionMissing,
    Code::WhatsappNumberNotRegistered,
    Code::WhatsappAccountRestricted,
    Code::WhatsappQualityLow,
    Code::WhatsappTemplateNotApproved,
    Code::WhatsappCampaignStopped,
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_code_is_the_turn_of_two() {
        let all: Vec<&Code> = AUTHOR
            .iter()
            .chain(OPERATOR)
            .chain(ADMIN)
            .chain(META)
            .collect();
        for (at, code) in all.iter().enumerate() {
            assert!(!all[at + 1..].contains(code), "{code}");
        }
    }

    #[test]
    fn a_field_that_nobody_can_write_is_the_authors_matter() {
        let of = |text| FixedBy::of_told(Code::FieldNotWritable, text);
        assert_eq!(of("leave it out"), Some(FixedBy::Author));
        assert_eq!(
            of("edit access: Setup → Object Manager"),
            Some(FixedBy::SalesforceAdmin)
        );
        assert_eq!(FixedBy::of_told(Code::YamlSyntax, ""), None);
    }
}
