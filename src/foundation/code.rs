//! The closed list of codes that name every error a person can cause, each with its page.
//!
//! A code is a kebab-case word that never changes its meaning. Its page (`codes/CODE.md`) starts with a `# title`
//! line and has the sections `## Cause` and `## Remedy`; `bridged explain CODE` prints it.

use std::fmt;
use std::str::FromStr;

macro_rules! codes {
    ($($variant:ident = $name:literal,)*) => {
        /// The name of one kind of error, shown in brackets behind `error` or `warning`.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[non_exhaustive]
        pub enum Code {
            $(
                #[doc = concat!("`", $name, "`")]
                $variant,
            )*
        }

        impl Code {
            /// Every code, in the order of the list.
            pub const ALL: &'static [Code] = &[$(Code::$variant,)*];

            /// The kebab-case word.
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Code::$variant => $name,)*
                }
            }

            /// The page that explains the code, in Markdown.
            pub const fn page(self) -> &'static str {
                match self {
                    $(Code::$variant => include_str!(concat!("codes/", $name, ".md")),)*
                }
            }
        }
    };
}

// One line a code, sorted by area; a page of the same name must exist beside this file.
codes! {
    // what a person wrote: YAML
    YamlSyntax = "yaml-syntax",
    YamlTag = "yaml-tag",
    YamlTooLarge = "yaml-too-large",
    AmbiguousNumber = "ambiguous-number",
    DuplicateKey = "duplicate-key",
    EmptyFile = "empty-file",
    HiddenCharacter = "hidden-character",
    KeyNotText = "key-not-text",
    MergeKey = "merge-key",
    NotUtf8 = "not-utf8",
    NumberOutOfRange = "number-out-of-range",
    SeveralDocuments = "several-documents",
    // what a person wrote: the pipeline and the project
    BadForm = "bad-form",
    BadName = "bad-name",
    BatchTooLarge = "batch-too-large",
    DirectionMismatch = "direction-mismatch",
    DuplicatePipeline = "duplicate-pipeline",
    FileUnreadable = "file-unreadable",
    LoginHost = "login-host",
    MatchMismatch = "match-mismatch",
    MisplacedKey = "misplaced-key",
    MissingKey = "missing-key",
    NoMatch = "no-match",
    ObjectNotAllowed = "object-not-allowed",
    OutOfRange = "out-of-range",
    PageTooLarge = "page-too-large",
    PathOutsideProject = "path-outside-project",
    PlaybookMismatch = "playbook-mismatch",
    ProjectNotFound = "project-not-found",
    ReservedName = "reserved-name",
    ScheduleImpossible = "schedule-impossible",
    SecretInFile = "secret-in-file",
    UnknownConnection = "unknown-connection",
    UnknownKey = "unknown-key",
    UnknownSensitiveName = "unknown-sensitive-name",
    UnknownTimezone = "unknown-timezone",
    UnknownValue = "unknown-value",
    UnsupportedVersion = "unsupported-version",
    VariableInPipeline = "variable-in-pipeline",
    VariableMalformed = "variable-malformed",
    WrongConnectionType = "wrong-connection-type",
    WrongType = "wrong-type",

    // what a person wrote: templates
    TemplateSyntax = "template-syntax",
    TemplateNotAllowed = "template-not-allowed",
    TemplateUnknownFilter = "template-unknown-filter",
    TemplateUnknownTest = "template-unknown-test",
    TemplateBadArgument = "template-bad-argument",
    TemplateNameUnclear = "template-name-unclear",
    TemplateUndefined = "template-undefined",
    TemplateTypeMismatch = "template-type-mismatch",
    TemplateFilterFailed = "template-filter-failed",
    TemplateTooCostly = "template-too-costly",

    // what a person wrote: SOQL
    SoqlSyntax = "soql-syntax",

    // what a person wrote: the graph
    UnknownName = "unknown-name",
    RelatedMissing = "related-missing",
    RelatedUnused = "related-unused",
    PathTooLong = "path-too-long",
    TargetCycle = "target-cycle",
    UnknownTarget = "unknown-target",
    UnknownField = "unknown-field",
    UnknownRelationship = "unknown-relationship",
    FieldNotWritable = "field-not-writable",
    KeyNotUnique = "key-not-unique",
    ObjectNotWritable = "object-not-writable",
    RequiredFieldMissing = "required-field-missing",

    // the connection to Salesforce
    ConnectionSettings = "connection-settings",
    MissingVariable = "missing-variable",
    HostRefused = "host-refused",
    AddressRefused = "address-refused",
    RedirectRefused = "redirect-refused",
    TlsFailed = "tls-failed",
    ConnectionFailed = "connection-failed",
    AnswerCutOff = "answer-cut-off",
    AnswerLate = "answer-late",
    AnswerTooLarge = "answer-too-large",
    AnswerUnreadable = "answer-unreadable",
    WrongConsumerKey = "wrong-consumer-key",
    WrongApiKey = "wrong-api-key",
    SecretRequired = "secret-required",
    PrivateKeyUnusable = "private-key-unusable",
    RunAsUserMissing = "run-as-user-missing",
    AppNotApproved = "app-not-approved",
    CallbackMismatch = "callback-mismatch",
    CodeExpired = "code-expired",
    SignInDenied = "sign-in-denied",
    ScopeMissing = "scope-missing",
    AudienceRefused = "audience-refused",
    UserInactive = "user-inactive",
    OrgInactive = "org-inactive",
    IpRestricted = "ip-restricted",
    LoginHours = "login-hours",
    NotConnected = "not-connected",
    ReconnectNeeded = "reconnect-needed",
    ConnectionBusy = "connection-busy",
    SignInRefused = "sign-in-refused",
    SignInLimited = "sign-in-limited",
    SignInStray = "sign-in-stray",
    SignInLate = "sign-in-late",
    CallbackPortTaken = "callback-port-taken",
    SecretFileRefused = "secret-file-refused",
    SessionExpired = "session-expired",
    ApiAccessRefused = "api-access-refused",
    PermissionDenied = "permission-denied",
    DailyLimitReached = "daily-limit-reached",
    BudgetSpent = "budget-spent",
    ConcurrencyLimit = "concurrency-limit",
    SalesforceUnavailable = "salesforce-unavailable",
    OrgMaintenance = "org-maintenance",
    QueryTimeout = "query-timeout",
    QueryLocatorLost = "query-locator-lost",
    QueryRefused = "query-refused",
    QueryTooLong = "query-too-long",
    FieldUnavailable = "field-unavailable",
    ObjectUnavailable = "object-unavailable",
    NotFound = "not-found",
    ApiVersionUnavailable = "api-version-unavailable",
    RequestRefused = "request-refused",
    RequestTooLarge = "request-too-large",
    TooManyRelated = "too-many-related",
    RecordAccessDenied = "record-access-denied",
    ParentAccessDenied = "parent-access-denied",
    RecordRefused = "record-refused",
    RecordLocked = "record-locked",
    RecordNotTried = "record-not-tried",
    BatchRefused = "batch-refused",
    WriteUnclear = "write-unclear",
    StorageFull = "storage-full",
    FeatureUnavailable = "feature-unavailable",
    UserNotApiOnly = "user-not-api-only",

    // the connection to WhatsApp
    WhatsappTokenRefused = "whatsapp-token-refused",
    WhatsappPermissionMissing = "whatsapp-permission-missing",
    WhatsappIdUnknown = "whatsapp-id-unknown",
    WhatsappNumberNotRegistered = "whatsapp-number-not-registered",
    WhatsappAccountRestricted = "whatsapp-account-restricted",
    WhatsappLimitReached = "whatsapp-limit-reached",
    WhatsappUnavailable = "whatsapp-unavailable",
    WhatsappRequestRefused = "whatsapp-request-refused",
    WhatsappQualityLow = "whatsapp-quality-low",
    WhatsappRecipientRefused = "whatsapp-recipient-refused",
    WhatsappMessageRefused = "whatsapp-message-refused",
    WhatsappCampaignStopped = "whatsapp-campaign-stopped",
    WhatsappTemplateMissing = "whatsapp-template-missing",
    WhatsappTemplateNotApproved = "whatsapp-template-not-approved",
    WhatsappTemplateMismatch = "whatsapp-template-mismatch",
    WhatsappTemplateUnchecked = "whatsapp-template-unchecked",

    // sending messages
    RecipientInvalid = "recipient-invalid",
    MessageValueRefused = "message-value-refused",
    IdentityKeyMissing = "identity-key-missing",
    IdentityKeyChanged = "identity-key-changed",
    UnknownCampaign = "unknown-campaign",
    CampaignChanged = "campaign-changed",
    CampaignPaused = "campaign-paused",
    SendingStopped = "sending-stopped",

    // the server
    ServerRunning = "server-running",
    ServerStopping = "server-stopping",
    PublicAddressRefused = "public-address-refused",
    UnknownToken = "unknown-token",
    TokenTaken = "token-taken",

    // why there is nothing to read
    FilterMatchesNothing = "filter-matches-nothing",
    MappingYieldsNothing = "mapping-yields-nothing",
    NoRowsVisible = "no-rows-visible",

    // one record
    ParentRejected = "parent-rejected",
    UnknownProfile = "unknown-profile",
    WriteConflict = "write-conflict",
    ValueNotListed = "value-not-listed",
    ValueOutOfRange = "value-out-of-range",
    ValueTooLong = "value-too-long",
    WrongValueType = "wrong-value-type",

    // files of Bridged's own records
    ImportFieldInvalid = "import-field-invalid",
    ImportFieldMissing = "import-field-missing",
    ImportHeaderInvalid = "import-header-invalid",
    ImportLineUnreadable = "import-line-unreadable",

    // the store
    Crashed = "crashed",
    CursorCorrupt = "cursor-corrupt",
    PipelineLocked = "pipeline-locked",
    ProfileUnstorable = "profile-unstorable",
    RecordUnstorable = "record-unstorable",
    RunSuperseded = "run-superseded",
    StoreBusy = "store-busy",
    StoreCorrupt = "store-corrupt",
    StoreExposed = "store-exposed",
    StoreFailed = "store-failed",
    StoreFull = "store-full",
    StoreIo = "store-io",
    StoreNewer = "store-newer",
    StoreNotADatabase = "store-not-a-database",
    StoreNotSupported = "store-not-supported",
    StoreUnopenable = "store-unopenable",
    StoreUrlInvalid = "store-url-invalid",

    // the vault and the audit log
    AuditBroken = "audit-broken",
    VaultKeyFileRefused = "vault-key-file-refused",
    VaultKeyInvalid = "vault-key-invalid",
    VaultKeyLost = "vault-key-lost",
    VaultKeyMissing = "vault-key-missing",
    VaultSecretRefused = "vault-secret-refused",
    VaultTampered = "vault-tampered",

    // the command line
    AmbiguousProfile = "ambiguous-profile",
    FileExists = "file-exists",
    FileNotWritten = "file-not-written",
    InvalidUsage = "invalid-usage",
    SnapshotUnreadable = "snapshot-unreadable",
    UnknownCode = "unknown-code",
    UnknownDeadLetter = "unknown-dead-letter",
    UnknownPipeline = "unknown-pipeline",
    UnknownRun = "unknown-run",
    UnknownSnapshot = "unknown-snapshot",

    // the sandbox
    SandboxStart = "sandbox-start",
    SandboxFaults = "sandbox-faults",

    // while running
    CursorInFuture = "cursor-in-future",
    CursorQueryChanged = "cursor-query-changed",
    TooManyRejected = "too-many-rejected",
    GuardExceeded = "guard-exceeded",
    GuardNotComputable = "guard-not-computable",
    SavedPlanApplied = "saved-plan-applied",
    SavedPlanDrifted = "saved-plan-drifted",
    SavedPlanEdited = "saved-plan-edited",
    SavedPlanStale = "saved-plan-stale",
    SavedPlanUnreadable = "saved-plan-unreadable",
    ForecastTooLarge = "forecast-too-large",
    PageOutOfOrder = "page-out-of-order",
    KeyMissing = "key-missing",
    TestFailed = "test-failed",
    Bug = "bug",
    Interrupted = "interrupted",
}

impl Code {
    /// The first line of the page, without its `#`.
    pub fn title(self) -> &'static str {
        self.page()
            .lines()
            .next()
            .unwrap_or_default()
            .trim_start_matches('#')
            .trim()
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Code {
    type Err = UnknownCode;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Code::ALL
            .iter()
            .copied()
            .find(|code| code.as_str() == text)
            .ok_or(UnknownCode)
    }
}

/// A word that is not in the list of codes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UnknownCode;
