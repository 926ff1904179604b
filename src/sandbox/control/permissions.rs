//! The control call that takes rights away: of objects, of fields, of single rows, and of the rows that sharing shows.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::{Wrong, done, no_object, parse};
use crate::sandbox::call::Answer;
use crate::sandbox::ids::RecordId;
use crate::sandbox::seed::setup::INTEGRATION_USERNAME;
use crate::sandbox::state::State;
use crate::sandbox::user::{FieldAccess, ObjectAccess, RecordAccess, Sees};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Body {
    username: Option<String>,
    #[serde(default)]
    objects: BTreeMap<String, ObjectRights>,
    #[serde(default)]
    fields: BTreeMap<String, Rights>,
    #[serde(default)]
    records: BTreeMap<String, Rights>,
}

/// What is not named stays allowed.
#[derive(Deserialize, Clone, Copy)]
#[serde(deny_unknown_fields)]
struct ObjectRights {
    read: Option<bool>,
    create: Option<bool>,
    edit: Option<bool>,
    delete: Option<bool>,
    sees: Option<Sees>,
}

impl ObjectRights {
    /// Who may not see an object may not change it either.
    fn access(self) -> ObjectAccess {
        let read = self.read.unwrap_or(true);
        let may = |right: Option<bool>| read && right.unwrap_or(true);
        ObjectAccess {
            read,
            create: may(self.create),
            edit: may(self.edit),
            delete: may(self.delete),
        }
    }
}

/// What is not named stays allowed.
#[derive(Deserialize, Clone, Copy)]
#[serde(deny_unknown_fields)]
struct Rights {
    read: Option<bool>,
    edit: Option<bool>,
}

impl Rights {
    fn read(self) -> bool {
        self.read.unwrap_or(true)
    }

    /// Who may not see a thing may not change it either.
    fn edit(self) -> bool {
        self.read() && self.edit.unwrap_or(true)
    }
}

/// Sets what a user may do; the user of the API key where none is named.
pub(super) fn permissions(state: &State, body: &[u8]) -> Result<Answer, Wrong> {
    let body: Body = parse(body)?;
    let username = body.username.as_deref().unwrap_or(INTEGRATION_USERNAME);
    let records = check_names(state, &body)?;
    let known = state.permit(username, |permissions| {
        for (object, rights) in &body.objects {
            permissions.set_object(object, rights.access());
            permissions.set_sees(object, rights.sees.unwrap_or(Sees::All));
        }
        for (path, rights) in &body.fields {
            let access = FieldAccess {
                read: rights.read(),
                edit: rights.edit(),
            };
            if let Some((object, field)) = path.split_once('.') {
                permissions.set_field(object, field, access);
            }
        }
        for (id, rights) in records {
            let access = RecordAccess {
                read: rights.read(),
                edit: rights.edit(),
            };
            permissions.set_record(id, access);
        }
    });
    if known {
        Ok(done())
    } else {
        Err(format!("no user `{username}`"))
    }
}

/// The rows that are named. A permission of what does not exist would be granted in silence.
fn check_names(state: &State, body: &Body) -> Result<Vec<(RecordId, Rights)>, Wrong> {
    let org = state.org();
    for object in body.objects.keys() {
        org.table(object).ok_or_else(|| no_object(object))?;
    }
    for path in body.fields.keys() {
        let known = path.split_once('.').is_some_and(|(object, field)| {
            org.table(object)
                .is_some_and(|table| table.object().field(field).is_some())
        });
        if !known {
            return Err(format!("no field `{path}`; write OBJECT.FIELD"));
        }
    }
    let row = |(text, rights): (&String, &Rights)| {
        RecordId::parse(text)
            .filter(|id| org.row(*id).is_some())
            .map(|id| (id, *rights))
            .ok_or_else(|| format!("no row `{text}`"))
    };
    body.records.iter().map(row).collect()
}
