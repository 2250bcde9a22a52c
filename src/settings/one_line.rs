//! Texts of other programs, made fit to be shown.

/// Letters of a name that are shown.
pub const LONGEST_NAME: usize = 64;
/// Letters of a text that are shown.
pub const LONGEST_TEXT: usize = 500;

/// The text in one line of no more than `most` letters. A terminal or a panel would act on control
/// characters, and show the rest of a line in another order after a bidirectional one.
pub fn one_line(text: &str, most: usize) -> String {
    let visible = text
        .chars()
        .map(|letter| if is_visible(letter) { letter } else { ' ' });
    let visible: String = visible.take(4 * most).collect(); // of which blanks go
    let words: Vec<_> = visible.split_whitespace().collect();
    words.join(" ").chars().take(most).collect()
}

/// Neither a control character nor one that changes the direction of others (Unicode, UAX 9) or the
/// line.
fn is_visible(letter: char) -> bool {
    !letter.is_control()
        && !matches!(letter, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2066}'..='\u{2069}' | '\u{feff}' | '\u{e0000}'..='\u{e007f}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_terminal_would_act_on_is_left_out() {
        for (text, wanted) in [
            ("Firefox", "Firefox"),
            ("  two\nlines\t", "two lines"),
            ("\u{1b}]0;title\u{7}x", "]0;title x"),
            ("a\0b", "a b"),
            ("\u{202e}gnp.exe", "gnp.exe"),
            ("caf\u{e9} \u{4f60}\u{597d}", "caf\u{e9} \u{4f60}\u{597d}"),
            ("\u{9b}31m", "31m"),
            ("", ""),
        ] {
            assert_eq!(one_line(text, LONGEST_NAME), wanted, "{text:?}");
        }
        assert_eq!(
            one_line(&"x".repeat(1 << 20), LONGEST_NAME).len(),
            LONGEST_NAME
        );
    }
}
