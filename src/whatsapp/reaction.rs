//! What each of Meta's codes asks a sender to do: one table, for refusals and for statuses that come later.
//!
//! Sources: the codes and their meanings are those of Meta, "Cloud API, Error codes", in copies of resellers, and of the error
//! list of a public client (pywa 4.5); what to do about each follows from what it says of the message: whether anything was sent,
//! and whom it is about. A refusal with status 4xx and a stated code means that nothing was sent; anything unclear is `Unknown`.

use std::ops::RangeInclusive;
use std::time::Duration;

/// What a sender does about a code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Reaction {
    /// Nothing was sent: the same message again, later and slower, so many times at the most.
    Backoff(Whose, u32),
    /// Nothing was sent: this person takes no more for some seconds.
    Pair,
    /// Nothing was sent: this number is to rest.
    Sender,
    /// Nothing was sent, and nothing of this campaign will be: a person has to look.
    Campaign,
    /// Nothing was sent, or not delivered: this person cannot be reached.
    Recipient,
    /// As [`Reaction::Recipient`]; and nothing is sent to them for some days.
    Undeliverable,
    /// As [`Reaction::Recipient`]; Meta had enough marketing for them: nothing for a day, and longer each time.
    Saturated,
    /// As [`Reaction::Recipient`]; they asked for no more marketing.
    Suppress,
    /// Nothing was sent: token, rights, number or account are at fault, and the run stops.
    Config,
    /// Nothing was sent: something in this message is at fault.
    Data,
    /// It may have been sent. It is never sent again by itself.
    Unknown,
}

/// Whose limit was reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Whose {
    /// The number's throughput: it sends more slowly.
    Number,
    /// The account's or the app's calls: minutes pass.
    Account,
    /// Nobody's: the server is in trouble.
    Server,
}

/// What was answered, as far as it decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Said {
    /// Meta's code.
    pub code: i64,
    /// The HTTP status; `None` for a status that came by webhook.
    pub status: Option<u16>,
    /// Whether Meta calls it passing.
    pub is_transient: bool,
}

/// So often is a message tried that the server could not take.
const TRIES: u32 = 8;

/// What to do about a code that was stated; unknown ones cost their message alone, and are told as such by [`is_known`].
pub fn reaction(said: Said) -> Reaction {
    let is_late = said.status.is_none();
    let unclear = said.status.is_some_and(|status| status >= 500);
    match said.code {
        131_000 if is_late => Reaction::Recipient,
        // A server that failed may have sent it; one that says why did not.
        1 | 2 | 131_000 | 131_016 | 135_000 if unclear => Reaction::Unknown,
        1 | 2 if said.code == 1 || !said.is_transient => Reaction::Data,
        2 | 131_016 => Reaction::Backoff(Whose::Server, TRIES),
        131_000 => Reaction::Backoff(Whose::Server, 2),
        135_000 => Reaction::Backoff(Whose::Server, 1),
        code => TABLE
            .iter()
            .find(|(known, _)| known.contains(&code))
            .map_or(
                // Meta's 5xx without a code we know is as unclear as one without any.
                if unclear {
                    Reaction::Unknown
                } else {
                    Reaction::Recipient
                },
                |(_, reaction)| *reaction,
            ),
    }
}

/// Whether a code is one that this table knows.
pub fn is_known(code: i64) -> bool {
    matches!(code, 1 | 2 | 131_000 | 131_016 | 135_000)
        || TABLE.iter().any(|(known, _)| known.contains(&code))
}

const fn one(code: i64) -> RangeInclusive<i64> {
    code..=code
}

/// Every other code.
const TABLE: &[(RangeInclusive<i64>, Reaction)] = &[
    // The token and rights.
    (one(0), Reaction::Config),
    (one(3), Reaction::Config),
    (one(10), Reaction::Config),
    (one(190), Reaction::Config),
    (200..=299, Reaction::Config),
    (one(131_005), Reaction::Config),
    // The number and the account.
    (one(33), Reaction::Config),
    (one(368), Reaction::Config),
    (one(131_031), Reaction::Config),
    (one(131_037), Reaction::Config),
    (one(131_042), Reaction::Config),
    (one(131_044), Reaction::Config),
    (one(131_045), Reaction::Config),
    (one(131_063), Reaction::Config),
    (133_004..=133_016, Reaction::Config),
    // Limits.
    (one(4), Reaction::Backoff(Whose::Account, TRIES)),
    (one(80_007), Reaction::Backoff(Whose::Account, TRIES)),
    (one(130_429), Reaction::Backoff(Whose::Number, TRIES)),
    (one(131_056), Reaction::Pair),
    (one(131_057), Reaction::Sender),
    (one(131_048), Reaction::Campaign),
    // The person.
    (one(130_472), Reaction::Recipient),
    (one(130_497), Reaction::Recipient),
    (one(131_021), Reaction::Recipient),
    (one(131_026), Reaction::Undeliverable),
    (one(131_030), Reaction::Recipient),
    (one(131_047), Reaction::Recipient),
    (one(131_049), Reaction::Saturated),
    (one(131_050), Reaction::Suppress),
    (one(131_062), Reaction::Recipient),
    (one(137_000), Reaction::Recipient),
    // The message.
    (one(100), Reaction::Data),
    (131_008..=131_009, Reaction::Data),
    (131_051..=131_053, Reaction::Data),
    (one(132_000), Reaction::Data),
    (one(132_005), Reaction::Data),
    (one(132_012), Reaction::Data),
    (one(132_018), Reaction::Data),
    // The template.
    (one(131_064), Reaction::Campaign),
    (one(132_001), Reaction::Campaign),
    (one(132_007), Reaction::Campaign),
    (132_015..=132_016, Reaction::Campaign),
    (one(132_068), Reaction::Campaign),
    (one(132_069), Reaction::Backoff(Whose::Account, TRIES)),
];

/// How long a person is left alone who got too much at once, the `times`-th time in a row: six seconds, and four times as long
/// each further time. Meta's "Throughput" gives one message in six seconds; the factor is *unconfirmed*.
pub fn pair_rest(times: u32) -> Duration {
    Duration::from_secs(6 * 4_u64.pow(times.min(6)))
}

/// How long nothing is sent to somebody who could not be reached: their app may be old, or they may have no account.
pub const UNDELIVERABLE_DAYS: i64 = 30;

/// How long nothing is sent to somebody who had enough marketing, the first time. Meta asks for more than a day.
pub const SATURATED_HOURS: i64 = 25;

#[cfg(test)]
mod tests {
    use super::*;

    fn sync(code: i64, status: u16) -> Reaction {
        reaction(Said {
            code,
            status: Some(status),
            is_transient: false,
        })
    }

    use super::Reaction::{
        Backoff, Campaign, Config, Data, Pair, Recipient, Saturated, Sender, Suppress,
        Undeliverable, Unknown,
    };
    use super::Whose::{Account, Number, Server};

    /// Codes, the status they come with, and what they ask for.
    const ROWS: &[(&[i64], u16, Reaction)] = &[
        (&[0, 190], 401, Config),
        (&[1], 400, Data),
        (&[1, 2, 131_000, 131_016, 135_000], 500, Unknown),
        (&[2], 400, Data),
        (&[3], 500, Config),
        (&[4, 80_007, 132_069], 429, Backoff(Account, 8)),
        (&[10, 200, 210, 299], 403, Config),
        (
            &[
                33, 368, 131_005, 131_031, 131_037, 131_042, 131_044, 131_045, 131_063,
            ],
            400,
            Config,
        ),
        (
            &[
                133_004, 133_005, 133_006, 133_008, 133_009, 133_010, 133_015, 133_016,
            ],
            400,
            Config,
        ),
        (
            &[100, 131_008, 131_009, 131_051, 131_052, 131_053],
            400,
            Data,
        ),
        (&[132_000, 132_005, 132_012, 132_018], 400, Data),
        (&[130_429], 429, Backoff(Number, 8)),
        (&[131_000], 400, Backoff(Server, 2)),
        (&[131_016], 400, Backoff(Server, 8)),
        (&[135_000], 400, Backoff(Server, 1)),
        (&[131_056], 400, Pair),
        (&[131_057], 400, Sender),
        (
            &[
                131_048, 131_064, 132_001, 132_007, 132_015, 132_016, 132_068,
            ],
            400,
            Campaign,
        ),
        (
            &[
                130_472, 130_497, 131_021, 131_030, 131_047, 131_062, 137_000,
            ],
            400,
            Recipient,
        ),
        (&[131_026], 400, Undeliverable),
        (&[131_049], 400, Saturated),
        (&[131_050], 400, Suppress),
    ];

    #[test]
    fn w07_each_code_has_the_reaction_of_its_row() {
        let mut seen = 0;
        for (codes, status, expected) in ROWS {
            for code in *codes {
                assert_eq!(sync(*code, *status), *expected, "{code} with {status}");
                assert!(is_known(*code), "{code}");
                seen += 1;
            }
        }
        assert!(seen >= 55, "{seen} codes");
        let passing = Said {
            code: 2,
            status: Some(400),
            is_transient: true,
        };
        assert_eq!(reaction(passing), Backoff(Server, 8));
    }

    #[test]
    fn w08_a_code_that_comes_by_webhook_is_about_that_message() {
        for (code, expected) in [
            (131_000, Reaction::Recipient),
            (131_026, Reaction::Undeliverable),
            (131_049, Reaction::Saturated),
            (131_050, Reaction::Suppress),
            (130_472, Reaction::Recipient),
            (132_015, Reaction::Campaign),
            (131_048, Reaction::Campaign),
        ] {
            let said = Said {
                code,
                status: None,
                is_transient: false,
            };
            assert_eq!(reaction(said), expected, "{code}");
        }
    }

    #[test]
    fn w09_an_unknown_code_costs_its_message_alone() {
        assert_eq!(sync(999_999, 400), Reaction::Recipient);
        assert!(!is_known(999_999));
        assert_eq!(sync(999_999, 503), Reaction::Unknown);
    }

    #[test]
    fn a_pair_rests_longer_each_time() {
        assert_eq!(pair_rest(0), Duration::from_secs(6));
        assert_eq!(pair_rest(1), Duration::from_secs(24));
        assert_eq!(pair_rest(60), Duration::from_secs(6 * 4096));
    }
}
