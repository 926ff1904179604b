//! What Salesforce's error codes mean: the one table that decides how a refusal is named and whether it is retried.
//!
//! Sources: REST API Developer Guide, "Status Codes and Error Responses"; SOAP API Developer Guide, "Core Data Types:
//! `StatusCode` and `ExceptionCode`". What the sign-in is refused with stands in `sign_in/refusals.rs`.

use crate::foundation::code::Code;

use super::sign_in::refusals;

/// What a refusal asks for. Only the class decides whether a request is sent again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Class {
    /// The token is dead: fetch another one, once a request.
    Auth,
    /// Passing: send again after a short wait.
    Transient,
    /// Too much at once: send again after a long wait.
    SlowDown,
    /// The day's calls are used up: stop.
    DailyLimit,
    /// One record is at fault: reject it, go on with the others.
    Row,
    /// The pipeline, the connection or the org's set-up is at fault: stop.
    Config,
    /// The signed-in user lacks a right: stop.
    Permission,
    /// The position in a result is lost: start again from the last committed record.
    Restart,
    /// The request asks for too much at once: never send it again unchanged.
    Split,
    /// No answer in time: the server may still be working, so a read is not asked for again by itself.
    Late,
    /// A change that cannot be repeated may have been made: look before it is sent again.
    Unclear,
}

impl Class {
    /// Whether the same request may be sent again by itself.
    pub const fn is_retried(self) -> bool {
        matches!(self, Class::Transient | Class::SlowDown)
    }
}

/// The class of a code of this connection, and what a reader should do; `None` for codes of other areas.
pub const fn meaning(code: Code) -> Option<(Class, &'static str)> {
    Some(match code {
        Code::SessionExpired => (
            Class::Auth,
            "look for a session policy or another program that ends this user's sessions",
        ),
        Code::ConnectionFailed => (
            Class::Transient,
            "check the host name, the network and the proxy, then run the command again",
        ),
        Code::AnswerCutOff | Code::SalesforceUnavailable => (
            Class::Transient,
            "run the command again later: it continues where it stopped",
        ),
        Code::OrgMaintenance => (
            Class::Transient,
            "look at Salesforce Trust for the end of the maintenance, then run the command again: it continues",
        ),
        Code::RecordLocked => (
            Class::Transient,
            "run the command again, with a lower `batch.concurrency` if it happens often",
        ),
        Code::RecordNotTried | Code::ConnectionBusy => (Class::Transient, "run the command again"),
        Code::ConcurrencyLimit => (
            Class::SlowDown,
            "run fewer pipelines at once, or make their queries faster",
        ),
        Code::SignInLimited => (
            Class::SlowDown,
            "wait some minutes, and look for a program that logs in for each call",
        ),
        Code::DailyLimitReached | Code::BudgetSpent => (
            Class::DailyLimit,
            "wait until older calls leave the 24-hour window; the next run continues",
        ),
        Code::RecordRefused => (
            Class::Row,
            "correct the field map or the record, then replay it",
        ),
        Code::BatchRefused => (
            Class::Row,
            "give each field a value of its type, then replay the record",
        ),
        Code::WriteUnclear => (
            Class::Unclear,
            "look in Salesforce whether the records are there before you write them again",
        ),
        Code::QueryLocatorLost => (
            Class::Restart,
            "run the command again: it continues from the last committed record",
        ),
        Code::QueryTimeout => (
            Class::Split,
            "filter on an indexed field, or read fewer fields",
        ),
        Code::RequestTooLarge => (Class::Split, "use a smaller batch or a shorter span"),
        Code::AnswerLate => (
            Class::Late,
            "run the command again, with a cheaper query or a smaller `page_size`",
        ),
        other => match (permission_help(other), config_help(other)) {
            (Some(help), _) => (Class::Permission, help),
            (None, Some(help)) => (Class::Config, help),
            (None, None) => return None,
        },
    })
}

/// What to do about the rights that the signed-in user lacks.
const fn permission_help(code: Code) -> Option<&'static str> {
    Some(match code {
        Code::ApiAccessRefused => {
            "tick `API Enabled`: Setup → Permission Sets → a set of the user → System Permissions; and give the app the scope `api`"
        }
        Code::PermissionDenied => {
            "give the run-as user the permission: Setup → Permission Sets → a set of the user"
        }
        Code::ObjectNotWritable => {
            "tick `Create` and `Edit`: Setup → Permission Sets → a set of the user → Object Settings → the object"
        }
        Code::RecordAccessDenied => {
            "share the record with the run-as user: Setup → Sharing Settings"
        }
        Code::ParentAccessDenied => {
            "share the parent record with the run-as user: Setup → Sharing Settings"
        }
        _ => return None,
    })
}

/// What to do about the codes that repeating never cures.
const fn config_help(code: Code) -> Option<&'static str> {
    Some(match code {
        Code::ConnectionSettings => "correct the value in the connection",
        Code::HostRefused => "use the My Domain address shown under Setup → My Domain",
        Code::AddressRefused => "check how this machine resolves the name",
        Code::RedirectRefused => "put the final address into `instance_url`",
        Code::TlsFailed => {
            "check the host name and this machine's clock, or add the proxy's CA bundle"
        }
        Code::AnswerTooLarge => "lower `page_size`, or read fewer long text fields",
        Code::AnswerUnreadable => {
            "check that `instance_url` names your org and no gateway answers for it"
        }
        Code::WrongConsumerKey => {
            "compare `consumer_key` and `instance_url` with the app in Setup; a new app takes ten minutes"
        }
        Code::WrongApiKey => "copy the Consumer Secret again into the place the connection names",
        Code::LoginHost => {
            "set `instance_url` to the My Domain address, `https://NAME.my.salesforce.com`"
        }
        Code::RunAsUserMissing => {
            "choose a `Run As` user: Setup → External Client App Manager → the app → Policies → OAuth Policies"
        }
        Code::SignInRefused => "see Setup → Login History for the true reason",
        Code::QueryRefused => "correct the `where` of the source or of its `related` section",
        Code::QueryTooLong => "shorten the lists in `where`, or read fewer fields",
        Code::FieldNotWritable => {
            "leave the field out, or make it editable: Setup → Object Manager → the object → Fields & Relationships → the \
             field → Set Field-Level Security"
        }
        Code::FieldUnavailable => {
            "check the name; make it visible: Setup → Object Manager → the object → Fields & Relationships → the field → \
             Set Field-Level Security"
        }
        Code::ObjectUnavailable => {
            "check the name; tick `Read`: Setup → Permission Sets → a set of the user → Object Settings → the object"
        }
        Code::NotFound => "check the id, and whether the record was deleted",
        Code::ApiVersionUnavailable => {
            "set `api_version` to one the org offers; `bridged check` lists them"
        }
        Code::RequestRefused => "look the code up in the REST API Developer Guide",
        Code::TooManyRelated => "set or lower `limit` in the `related` section",
        Code::StorageFull => "free or buy data storage: Setup → Storage Usage",
        Code::UserNotApiOnly => {
            "give bridged a user of its own with the license `Salesforce Integration`: Setup → Users → New User"
        }
        Code::FeatureUnavailable => "use an object or a setting that the org supports",
        other => return refusals::help(other),
    })
}

/// The class of a code of this connection; `None` for codes of other areas.
pub const fn class(code: Code) -> Option<Class> {
    match meaning(code) {
        Some((class, _)) => Some(class),
        None => None,
    }
}

/// Names what one error of a REST answer means, by Salesforce's code and, where only the text tells, its message.
pub fn name(remote_code: &str, message: &str, status: u16) -> Code {
    let has = |part: &str| message.to_ascii_lowercase().contains(part);
    match remote_code {
        // The one code has three meanings, and only its text tells them apart.
        "INVALID_SESSION_ID" if has("not valid for use") || has("not attached to") => {
            Code::ApiAccessRefused
        }
        "REQUEST_LIMIT_EXCEEDED" if has("concurrent") => Code::ConcurrencyLimit,
        // *Unconfirmed* sentence: "entity type cannot be inserted: Lead".
        "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY" if has("entity type cannot be") => {
            Code::ObjectNotWritable
        }
        "SERVER_UNAVAILABLE" if has("maintenance") => Code::OrgMaintenance,
        // Said of a user without `API Enabled`; of an org it passes.
        "API_CURRENTLY_DISABLED" if has("user") => Code::ApiAccessRefused,
        // A trigger that failed may have failed for a passing reason inside.
        "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY" if has("unable_to_lock_row") => Code::RecordLocked,
        "API_ERROR" if has("implementation restriction") => Code::PermissionDenied,
        "MALFORMED_QUERY" if has("too long") || has("100000") => Code::QueryTooLong,
        known => REMOTE
            .iter()
            .find(|(name, _)| *name == known)
            .map_or_else(|| by_status(status), |(_, code)| *code),
    }
}

/// Names what one row's error of an answer with a result for each row means.
///
/// The row alone is meant, so what a whole request is refused for (its path, its range) is here the row's own fault, and
/// so is a code Salesforce does not document: triggers choose theirs freely.
pub fn name_row(remote_code: &str, message: &str) -> Code {
    match remote_code {
        "NOT_FOUND" | "NUMBER_OUTSIDE_VALID_RANGE" | "JSON_PARSER_ERROR" => Code::RecordRefused,
        // A request can lack many rights; a row that is written is refused for its object's.
        "INSUFFICIENT_ACCESS" => Code::ObjectNotWritable,
        // The field is there: it is the parent named by its key that is not.
        "INVALID_FIELD"
            if message
                .to_ascii_lowercase()
                .contains("foreign key external id") =>
        {
            Code::RecordRefused
        }
        other => match name(other, message, ROW_STATUS) {
            Code::RequestRefused => Code::RecordRefused,
            known => known,
        },
    }
}

/// Stands in for the status that a row's result does not have.
const ROW_STATUS: u16 = 400;

/// Names an answer that carries no error code Salesforce documents: gateways, edges, and codes still unknown.
pub const fn by_status(status: u16) -> Code {
    match status {
        // Several records have the external id; the body lists their addresses.
        300 => Code::RecordRefused,
        401 => Code::ApiAccessRefused,
        403 => Code::PermissionDenied,
        404 => Code::NotFound,
        410 => Code::ApiVersionUnavailable,
        414 | 431 => Code::QueryTooLong,
        // 406 without a body and 420 come from the edge, 429 from gateways in front; all three pass.
        406 | 408 | 420 | 425 | 429 | 500..=599 => Code::SalesforceUnavailable,
        413 => Code::RequestTooLarge,
        _ => Code::RequestRefused,
    }
}

/// Salesforce's codes, grouped by what they mean here.
const REMOTE: &[(&str, Code)] = &[
    // The token.
    ("INVALID_SESSION_ID", Code::SessionExpired),
    ("InvalidSessionId", Code::SessionExpired),
    ("INVALID_AUTH_HEADER", Code::SessionExpired),
    ("INVALID_JWT_FORMAT", Code::SessionExpired),
    ("Bad_OAuth_Token", Code::SessionExpired),
    (
        "INVALID_OPERATION_WITH_EXPIRED_PASSWORD",
        Code::SignInRefused,
    ),
    // Limits.
    ("REQUEST_LIMIT_EXCEEDED", Code::DailyLimitReached),
    ("LIMIT_EXCEEDED", Code::DailyLimitReached),
    ("EXCEEDED_QUOTA", Code::DailyLimitReached),
    // The server.
    ("SERVER_UNAVAILABLE", Code::SalesforceUnavailable),
    ("UNKNOWN_EXCEPTION", Code::SalesforceUnavailable),
    ("INTERNAL_ERROR", Code::SalesforceUnavailable),
    ("INTERNAL_SERVER_ERROR", Code::SalesforceUnavailable),
    ("TXN_SECURITY_METERING_ERROR", Code::SalesforceUnavailable),
    ("API_CURRENTLY_DISABLED", Code::OrgMaintenance),
    (
        "INSERT_UPDATE_DELETE_NOT_ALLOWED_DURING_MAINTENANCE",
        Code::OrgMaintenance,
    ),
    ("UNABLE_TO_LOCK_ROW", Code::RecordLocked),
    // Queries.
    ("QUERY_TIMEOUT", Code::QueryTimeout),
    ("INVALID_QUERY_LOCATOR", Code::QueryLocatorLost),
    ("MALFORMED_QUERY", Code::QueryRefused),
    ("MALFORMED_SEARCH", Code::QueryRefused),
    ("QUERY_TOO_COMPLICATED", Code::QueryRefused),
    ("INVALID_QUERY_FILTER_OPERATOR", Code::QueryRefused),
    ("NUMBER_OUTSIDE_VALID_RANGE", Code::QueryRefused),
    ("INVALID_FIELD", Code::FieldUnavailable),
    ("INVALID_TYPE", Code::ObjectUnavailable),
    ("OPERATION_TOO_LARGE", Code::PermissionDenied),
    // Requests.
    ("NOT_FOUND", Code::NotFound),
    ("EXCEEDED_ID_LIMIT", Code::RequestTooLarge),
    ("TOO_MANY_RECORDS", Code::RequestTooLarge),
    ("BATCH_TOO_LARGE", Code::RequestTooLarge),
    ("JSON_PARSER_ERROR", Code::BatchRefused),
    ("METHOD_NOT_ALLOWED", Code::RequestRefused),
    ("INVALID_FIELD_FOR_INSERT_UPDATE", Code::FieldNotWritable),
    ("INVALIDJOBSTATE", Code::RequestRefused),
    ("INVALIDJOB", Code::RequestRefused),
    ("INVALIDBATCH", Code::RequestRefused),
    ("InvalidBatch", Code::RequestRefused),
    ("CLIENT_ERROR", Code::RequestRefused),
    ("API_ERROR", Code::RequestRefused),
    ("UNSUPPORTED_API_VERSION", Code::ApiVersionUnavailable),
    ("URL_NO_LONGER_EXISTS", Code::ApiVersionUnavailable),
    // Rights.
    ("INSUFFICIENT_ACCESS", Code::PermissionDenied),
    ("INSUFFICIENT_ACCESS_OR_READONLY", Code::RecordAccessDenied),
    (
        "INSUFFICIENT_ACCESS_ON_CROSS_REFERENCE_ENTITY",
        Code::ParentAccessDenied,
    ),
    ("TXN_SECURITY_NO_ACCESS", Code::PermissionDenied),
    ("API_DISABLED_FOR_ORG", Code::ApiAccessRefused),
    ("ORG_LOCKED", Code::OrgInactive),
    ("FUNCTIONALITY_NOT_ENABLED", Code::FeatureUnavailable),
    ("FeatureNotEnabled", Code::FeatureUnavailable),
    ("INVALIDENTITY", Code::FeatureUnavailable),
    ("STORAGE_LIMIT_EXCEEDED", Code::StorageFull),
    // One record.
    ("ALL_OR_NONE_OPERATION_ROLLED_BACK", Code::RecordNotTried),
    ("PROCESSING_HALTED", Code::RecordNotTried),
    ("BATCH_PROCESSING_HALTED", Code::RecordNotTried),
    ("CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY", Code::RecordRefused),
    ("CANNOT_EXECUTE_FLOW_TRIGGER", Code::RecordRefused),
    ("CANNOT_UPDATE_CONVERTED_LEAD", Code::RecordRefused),
    ("REQUIRED_FIELD_MISSING", Code::RecordRefused),
    ("FIELD_CUSTOM_VALIDATION_EXCEPTION", Code::RecordRefused),
    ("FIELD_INTEGRITY_EXCEPTION", Code::RecordRefused),
    ("FIELD_FILTER_VALIDATION_EXCEPTION", Code::RecordRefused),
    (
        "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST",
        Code::RecordRefused,
    ),
    ("STRING_TOO_LONG", Code::RecordRefused),
    ("INVALID_EMAIL_ADDRESS", Code::RecordRefused),
    ("INVALID_CURRENCY_ISO", Code::RecordRefused),
    ("DUPLICATE_VALUE", Code::RecordRefused),
    ("DUPLICATE_EXTERNAL_ID", Code::RecordRefused),
    ("DUPLICATES_DETECTED", Code::RecordRefused),
    ("ENTITY_IS_DELETED", Code::RecordRefused),
    ("ENTITY_IS_LOCKED", Code::RecordRefused),
    ("INVALID_CROSS_REFERENCE_KEY", Code::RecordRefused),
    ("MALFORMED_ID", Code::RecordRefused),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_the_table_gives_has_a_class() {
        for (remote, code) in REMOTE {
            assert!(meaning(*code).is_some(), "{remote} -> {code}");
        }
        for status in 300..600 {
            assert!(meaning(by_status(status)).is_some(), "{status}");
        }
    }

    #[test]
    fn the_table_names_no_code_twice() {
        for (at, (remote, _)) in REMOTE.iter().enumerate() {
            assert!(
                REMOTE[at + 1..].iter().all(|(other, _)| other != remote),
                "{remote}"
            );
        }
    }
}
