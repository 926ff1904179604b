//! Words by which people ask for no more messages, in the languages of those who get them.

/// Words that mean "no more", each as a whole answer, without accents and in lower case.
///
/// The first are those that carriers in the United States honour (CTIA, "Messaging Principles and Best Practices"); the others
/// are what people write for them in other languages.
const WORDS: &[&str] = &[
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

/// Whether an answer asks for no more messages: a word of the list and nothing else, however it is written.
///
/// A word within a sentence ("when does the sale end?") asks for nothing.
pub(super) fn is_opt_out(text: &str) -> bool {
    if text.len() > 200 {
        return false;
    }
    let plain: String = text.chars().flat_map(plain).collect();
    let words: Vec<&str> = plain.split_whitespace().collect();
    let asked = words.join(" ");
    let polite = asked
        .trim_start_matches("please ")
        .trim_start_matches("bitte ")
        .trim_end_matches(" please")
        .trim_end_matches(" bitte");
    WORDS.contains(&polite)
}

/// Whether a payload that a quick reply brings back asks for no more messages: `opt_out`, or that with something behind it.
pub(super) fn is_opt_out_payload(payload: &str) -> bool {
    let payload = payload.trim().to_ascii_lowercase().replace('-', "_");
    payload == "opt_out" || payload.starts_with("opt_out:") || is_opt_out(&payload)
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
            assert!(is_opt_out(asked), "{asked}");
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
            assert!(!is_opt_out(said), "{said}");
        }
        assert!(!is_opt_out(&"stop ".repeat(100)));
    }

    #[test]
    fn c16_buttons_are_understood() {
        for payload in ["opt_out", "OPT-OUT", "opt_out:9", "Stop"] {
            assert!(is_opt_out_payload(payload), "{payload}");
        }
        for payload in ["", "yes", "opt_outside", "more"] {
            assert!(!is_opt_out_payload(payload), "{payload}");
        }
    }
}
