//! Where a person's clock is: what the profile says, or the country of the number where it keeps one time.

use jiff::tz::TimeZone;
use phonenumber::country::Id;
use serde_json::Value;

use crate::foundation::record::Profile;

/// The attribute that names a person's time zone.
pub(super) const ATTRIBUTE: &str = "timezone";

/// A person's time zone: the profile's `timezone`, an IANA name; else that of the number's country; `None` where neither tells.
pub(super) fn of(profile: &Profile, country: Option<Id>) -> Option<TimeZone> {
    let named = profile.attributes.get(ATTRIBUTE).and_then(Value::as_str);
    match named {
        // A name that is none leaves the zone unknown: the country may not be where the person is.
        Some(name) => TimeZone::get(name.trim()).ok(),
        None => country.and_then(of_country),
    }
}

/// The zone of a country whose clocks all show one time, as far as its calling code reaches. Spain and Portugal have islands with
/// another time under the same code, so they are not in it.
///
/// Source: the IANA time zone database, `zone1970.tab` of 2025b.
fn of_country(country: Id) -> Option<TimeZone> {
    let name = match country {
        Id::AT => "Europe/Vienna",
        Id::BE => "Europe/Brussels",
        Id::BG => "Europe/Sofia",
        Id::CH => "Europe/Zurich",
        Id::CZ => "Europe/Prague",
        Id::DE => "Europe/Berlin",
        Id::DK => "Europe/Copenhagen",
        Id::EE => "Europe/Tallinn",
        Id::FI => "Europe/Helsinki",
        Id::FR => "Europe/Paris",
        Id::GB => "Europe/London",
        Id::GR => "Europe/Athens",
        Id::HR => "Europe/Zagreb",
        Id::HU => "Europe/Budapest",
        Id::IE => "Europe/Dublin",
        Id::IT => "Europe/Rome",
        Id::LT => "Europe/Vilnius",
        Id::LU => "Europe/Luxembourg",
        Id::LV => "Europe/Riga",
        Id::NL => "Europe/Amsterdam",
        Id::NO => "Europe/Oslo",
        Id::PL => "Europe/Warsaw",
        Id::RO => "Europe/Bucharest",
        Id::RS => "Europe/Belgrade",
        Id::SE => "Europe/Stockholm",
        Id::SI => "Europe/Ljubljana",
        Id::SK => "Europe/Bratislava",
        Id::TR => "Europe/Istanbul",
        Id::AE => "Asia/Dubai",
        Id::BD => "Asia/Dhaka",
        Id::CN => "Asia/Shanghai",
        Id::HK => "Asia/Hong_Kong",
        Id::IL => "Asia/Jerusalem",
        Id::IN => "Asia/Kolkata",
        Id::JP => "Asia/Tokyo",
        Id::KR => "Asia/Seoul",
        Id::LK => "Asia/Colombo",
        Id::NP => "Asia/Kathmandu",
        Id::PH => "Asia/Manila",
        Id::PK => "Asia/Karachi",
        Id::SA => "Asia/Riyadh",
        Id::SG => "Asia/Singapore",
        Id::TH => "Asia/Bangkok",
        Id::TW => "Asia/Taipei",
        Id::VN => "Asia/Ho_Chi_Minh",
        Id::EG => "Africa/Cairo",
        Id::GH => "Africa/Accra",
        Id::KE => "Africa/Nairobi",
        Id::NG => "Africa/Lagos",
        Id::ZA => "Africa/Johannesburg",
        Id::BO => "America/La_Paz",
        Id::CO => "America/Bogota",
        Id::CR => "America/Costa_Rica",
        Id::GT => "America/Guatemala",
        Id::PE => "America/Lima",
        Id::PY => "America/Asuncion",
        Id::UY => "America/Montevideo",
        Id::VE => "America/Caracas",
        _ => return None,
    };
    TimeZone::get(name).ok()
}

#[cfg(test)]
mod tests {
    use serde_json::{Map, json};

    use super::*;

    fn profile(zone: Option<&str>) -> Profile {
        let mut attributes = Map::new();
        if let Some(zone) = zone {
            attributes.insert(ATTRIBUTE.to_owned(), json!(zone));
        }
        Profile {
            key: "p".to_owned(),
            salesforce_id: None,
            object: None,
            attributes,
            consent: Map::new(),
            deleted: false,
        }
    }

    #[test]
    fn every_country_of_the_table_has_a_zone_that_there_is() {
        let known =
            (0..=u8::MAX).flat_map(|first| (b'A'..=b'Z').map(move |second| (first, second)));
        let mut zones = 0;
        for (first, second) in known.filter(|(first, _)| first.is_ascii_uppercase()) {
            let code: String = [first, second].map(char::from).iter().collect();
            if let Ok(id) = code.parse::<Id>()
                && of_country(id).is_some()
            {
                zones += 1;
            }
        }
        assert_eq!(zones, 58);
    }

    #[test]
    fn the_profile_goes_before_the_country_and_a_wrong_name_is_no_zone() {
        let name =
            |zone: Option<TimeZone>| zone.and_then(|zone| zone.iana_name().map(str::to_owned));
        let berlin = Some("Europe/Berlin".to_owned());
        assert_eq!(name(of(&profile(None), Some(Id::DE))), berlin);
        assert_eq!(
            name(of(&profile(Some("Europe/Berlin")), Some(Id::US))),
            berlin
        );
        assert_eq!(of(&profile(Some("Mars/Olympus")), Some(Id::DE)), None);
        for many in [
            Id::US,
            Id::CA,
            Id::BR,
            Id::AU,
            Id::MX,
            Id::ES,
            Id::PT,
            Id::RU,
        ] {
            assert_eq!(of(&profile(None), Some(many)), None, "{many:?}");
        }
    }
}
