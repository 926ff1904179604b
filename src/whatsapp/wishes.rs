//! Words by which people ask for no more messages, or for messages again, in the languages of those who get them.

use crate::foundation::record::Wish;

/// Words that mean "no more", each as a whole answer, without accents and in lower case.
///
/// The first are those that carriers in the United States honour (CTIA, "Messaging Principles and Best Practices"); the others
/// are what people write for them in other languages.
const OPT_OUT: &[&str] = &[
    // English
    "stop",
    "stopall",
    "stop all",
    "unsubscribe",
    "cancel",
    "end",
    "quit",
    "opt out",
    "optout",
    "revoke",
    "no more",
    "remove me",
    // German
    "stopp",
    "abmelden",
    "abbestellen",
    "keine nachrichten",
    "austragen",
    // French
    "arret",
    "arreter",
    "desabonner",
    "desinscrire",
    "me desinscrire",
    "stopper",
    // Spanish
    "baja",
    "alto",
    "parar",
    "cancelar",
    "no mas",
    "darme de baja",
    "detener",
    // Portuguese
    "sair",
    "descadastrar",
    "remover",
    "cancelar inscricao",
    // Italian
    "ferma",
    "cancellami",
    "disiscrivimi",
    "annulla",
    // Dutch
    "afmelden",
    "uitschrijven",
    // Japanese, Chinese, Hindi
    "停止",
    "配信停止",
    "退订",
    "取消订阅",
    "रोकें",
    "बंद करो",
];

/// Words that take an opt-out back, written as those above. START and UNSTOP are what carriers in the United States take for it; a mere
/// "yes" answers too many other questions.
const OPT_IN: &[&str] = &[
    // English
    "start",
    "unstop",
    "subscribe",
    "resubscribe",
    "opt in",
    "optin",
    // German
    "anmelden",
    "abonnieren",
    // French
    "mabonner",
    "minscrire",
    // Spanish
    "alta",
    "suscribir",
    "suscribirme",
    "darme de alta",
    // Portuguese
    "inscrever",
    "cadastrar",
    // Italian
    "iscrivimi",
    // Dutch
    "aanmelden",
    "inschrijven",
    // Japanese, Chinese, Hindi
    "配信再開",
    "订阅",
    "शुरू करो",
];

/// What an answer asks for: a word of one of the lists and nothing else, however it is written.
///
/// A word within a sentence ("when does the sale end?") asks for nothing.
pub(super) fn of_text(text: &str) -> Option<Wish> {
    if text.len() > 200 {
        return None;
    }
    let plain: String = text.chars().flat_map(plain).collect();
    let words: Vec<&str> = plain.split_whitespace().collect();
    let asked = words.join(" ");
    let polite = asked
        .trim_start_matches("please ")
        .trim_start_matches("bitte ")
        .trim_end_matches(" please")
        .trim_end_matches(" bitte");
    if OPT_OUT.contains(&polite) {
        Some(Wish::OptOut)
    } else if OPT_IN.contains(&polite) {
        Some(Wish::OptIn)
    } else {
        None
    }
}

/// What a payload that a quick reply brings back asks for: `opt_out`, `opt_in`, either with something behind a colon, or a word.
pub(super) fn of_payload(payload: &str) -> Option<Wish> {
    let payload = payload.trim().to_ascii_lowercase().replace('-', "_");
    match payload.split_once(':').map_or(&*payload, |(name, _)| name) {
        "opt_out" => Some(Wish::OptOut),
        "opt_in" => Some(Wish::OptIn),
        _ => of_text(&payload),
    }
}

/// A letter without case and accent; a space in the place of signs and pictures, and an apostrophe is left out.
fn plain(letter: char) -> Vec<char> {
    let base = match letter {
        'à' | 'á' | 'â' | 'ã' | 'ä' | 'å' | 'À' | 'Á' | 'Â' | 'Ã' | 'Ä' | 'Å' => 'a',
        'è' | 'é' | 'ê' | 'ë' | 'È' | 'É' | 'Ê' | 'Ë' => 'e',
        'ì' | 'í' | 'î' | 'ï' | 'Ì' | 'Í' | 'Î' | 'Ï' => 'i',
        'ò' | 'ó' | 'ô' | 'õ' | 'ö' | 'Ò' | 'Ó' | 'Ô' | 'Õ' | 'Ö' => 'o',
        'ù' | 'ú' | 'û' | 'ü' | 'Ù' | 'Ú' | 'Û' | 'Ü' => 'u',
        'ç' | 'Ç' => 'c',
        'ñ' | 'Ñ' => 'n',
        // Accents that stand as letters of their own, joiners and variation selectors.
        '\u{300}'..='\u{36f}' | '\u{200b}'..='\u{200d}' | '\u{fe0e}' | '\u{fe0f}' | '\'' | '’' => {
            return Vec::new();
        }
        other => other,
    };
    // Signs of Hindi stand between letters and are none themselves.
    let is_mark = ('\u{900}'..='\u{97f}').contains(&base);
    if base.is_alphanumeric() || is_mark {
        base.to_lowercase().collect()
    } else {
        vec![' ']
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn c16_people_who_want_no_more_are_understood() {
        for asked in [
            "STOP",
            "stop",
            "  Stop. ",
            "StOp!!!",
            "🛑 STOP 🛑",
            "Stop ✋🏽",
            "please stop",
            "STOP ALL",
            "Unsubscribe",
            "ABMELDEN",
            "Stopp bitte",
            "ARRÊT",
            "arrêter",
            "Désabonner",
            "BAJA",
            "No más",
            "Alto",
            "SAIR",
            "descadastrar",
            "Afmelden",
            "停止",
            "退订",
            "रोकें",
            "opt-out",
            "Opt Out",
        ] {
            assert_eq!(of_text(asked), Some(Wish::OptOut), "{asked}");
        }
    }

    #[test]
    fn c16_people_who_ask_something_else_are_left_alone() {
        for said in [
            "",
            "🎉",
            "When does the sale end?",
            "Don't stop!",
            "stop by my office tomorrow",
            "yes",
            "Is it the end of the month?",
            "sairam",
            "stopwatch",
            "I can't cancel today, call me",
        ] {
            assert_eq!(of_text(said), None, "{said}");
        }
        assert_eq!(of_text(&"stop ".repeat(100)), None);
    }

    #[test]
    fn c16_buttons_are_understood() {
        for (payload, wish) in [
            ("opt_out", Some(Wish::OptOut)),
            ("OPT-OUT", Some(Wish::OptOut)),
            ("opt_out:9", Some(Wish::OptOut)),
            ("Stop", Some(Wish::OptOut)),
            ("opt-in", Some(Wish::OptIn)),
            ("OPT_IN:spring", Some(Wish::OptIn)),
            ("", None),
            ("yes", None),
            ("opt_outside", None),
            ("opt_inside", None),
            ("more", None),
        ] {
            assert_eq!(of_payload(payload), wish, "{payload}");
        }
    }

    #[test]
    fn c16_people_who_want_messages_again_are_understood() {
        for asked in [
            "START",
            "start!",
            "Unstop",
            "please subscribe",
            "Opt-in",
            "Anmelden bitte",
            "M'abonner",
            "ALTA",
            "iscrivimi",
            "订阅",
            "配信再開",
            "शुरू करो",
        ] {
            assert_eq!(of_text(asked), Some(Wish::OptIn), "{asked}");
        }
        for said in ["yes", "Let's start tomorrow", "restart", "starter"] {
            assert_eq!(of_text(said), None, "{said}");
        }
    }

    #[test]
    fn no_word_means_both() {
        for word in OPT_IN {
            assert!(!OPT_OUT.contains(word), "{word}");
        }
        for word in OPT_OUT.iter().chain(OPT_IN) {
            assert!(
                of_text(word).is_some(),
                "{word} is never found as it is written"
            );
        }
    }
}
