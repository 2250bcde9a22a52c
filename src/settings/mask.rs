//! Text with the passwords in it covered: for logs, the status and error messages.

/// What stands for a password.
const COVER: &str = "***";

/// Ends of the names of properties, headers and parts of paths that hold a password.
const SECRETS: [&str; 9] = [
    "password",
    "passwd",
    "passphrase",
    "pwd",
    "-pw",
    "secret",
    "token",
    "authorization",
    "cookies",
];

/// Text with its passwords covered: in URLs, what stands before an `@`, and what follows a `?`, where
/// many cameras want theirs; and everywhere, the values of names such as `user-pw` and `password`.
pub fn masked(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("://") {
        let (before, after) = rest.split_at(at + "://".len());
        let is_bare_rtp = before.ends_with("rtp://") || before.ends_with("rtp+tcp://");
        let ends = |c: char| c.is_whitespace() || matches!(c, '"' | '\'' | '<' | '>' | ')');
        let (url, next) = after.split_at(after.find(ends).unwrap_or(after.len()));
        shown.push_str(before);
        mask_url(url, is_bare_rtp, &mut shown);
        rest = next;
    }
    shown.push_str(rest);
    mask_values(&shown)
}

/// Text that was meant as a URL but isn't one: all before the last `@` but the scheme may be a login.
pub fn masked_login(text: &str) -> String {
    let shown = masked(text);
    match shown.rsplit_once('@') {
        Some((login, place)) => {
            let scheme = login.find(':').map_or("", |end| &login[..=end]);
            format!("{scheme}{COVER}@{place}")
        }
        None => shown,
    }
}

/// Appends what follows a scheme, covered.
fn mask_url(url: &str, is_bare_rtp: bool, shown: &mut String) {
    let (authority, tail) = url.split_at(end_of_authority(url));
    match authority.rsplit_once('@') {
        Some((login, place)) => {
            let user = login.split(':').next().unwrap_or_default();
            shown.push_str(user);
            if login.contains(':') {
                shown.push(':');
                shown.push_str(COVER);
            }
            shown.push('@');
            shown.push_str(place);
        }
        None => shown.push_str(authority),
    }
    match tail.split_once('?') {
        Some((path, _)) if !is_bare_rtp => {
            shown.push_str(path);
            shown.push('?');
            shown.push_str(COVER);
        }
        _ => shown.push_str(tail),
    }
}

/// Where the host and port end. A password with a slash in it is wrong, and still a password.
fn end_of_authority(url: &str) -> usize {
    let end = url.find(['/', '?', '#']).unwrap_or(url.len());
    let port = url[..end].split_once(':').map(|(_, port)| port);
    match url.rfind('@') {
        Some(at) if at > end && port.is_some_and(|port| port.parse::<u16>().is_err()) => {
            let after = &url[at..];
            at + after.find(['/', '?', '#']).unwrap_or(after.len())
        }
        _ => end,
    }
}

/// Covers what follows the `=` of names that hold a password.
fn mask_values(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('=') {
        let (name, value) = rest.split_at(at + 1);
        shown.push_str(name);
        rest = value;
        if is_secret(&name[..at]) {
            let blanks = value.len() - value.trim_start().len();
            shown.push_str(&value[..blanks]);
            shown.push_str(COVER);
            rest = &value[blanks + value_len(&value[blanks..])..];
        }
    }
    shown.push_str(rest);
    shown
}

/// Whether text before a `=` ends with a name that holds a password.
fn is_secret(text: &str) -> bool {
    let text = text.trim_end().to_ascii_lowercase();
    SECRETS.iter().any(|name| text.ends_with(name))
}

/// Bytes of a value as GStreamer reads one: with its type in parentheses, quoted or up to a blank.
/// Within quotes, quotes have backslashes.
fn value_len(text: &str) -> usize {
    let typed = text.strip_prefix('(').and_then(|rest| rest.split_once(')'));
    let value = typed.map_or(text, |(_, value)| value.trim_start());
    let start = text.len() - value.len();
    let slashes = value.len() - value.trim_start_matches('\\').len();
    let end = match value.as_bytes().get(slashes) {
        Some(b'"' | b'\'') => quoted_len(value, slashes + 1),
        _ => value.find(char::is_whitespace),
    };
    start + end.unwrap_or(value.len())
}

/// Bytes up to the end of a quotation that begins with this many bytes: backslashes and a quote.
fn quoted_len(value: &str, opening: usize) -> Option<usize> {
    let (quote, inside) = value.split_at(opening);
    let is_escaped = |at: &usize| inside[..*at].ends_with('\\');
    let mut ends = inside.match_indices(quote).map(|(at, _)| at);
    ends.find(|at| !is_escaped(at)).map(|at| at + 2 * opening)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn logins_and_queries_of_urls_are_covered() {
        for (text, shown) in [
            ("rtsp://me:secret@camera/a", "rtsp://me:***@camera/a"),
            ("rtsp://me:se@cret@camera", "rtsp://me:***@camera"),
            ("rtsp://me:se/c?et@camera/a", "rtsp://me:***@camera/a"),
            ("http://camera:80/a@b", "http://camera:80/a@b"),
            ("http://me@camera/", "http://me@camera/"),
            (
                "http://camera/video?usr=me&pwd=secret",
                "http://camera/video?***",
            ),
            (
                "rtp://0.0.0.0:5?encoding=JPEG",
                "rtp://0.0.0.0:5?encoding=JPEG",
            ),
            (
                "no answer (URL: http://a:b@c/d?e, \"rtsp://f:g@h\") twice",
                "no answer (URL: http://a:***@c/d?*** \"rtsp://f:***@h\") twice",
            ),
            ("nothing to hide: 1 ? 2 @ 3", "nothing to hide: 1 ? 2 @ 3"),
        ] {
            assert_eq!(masked(text), shown);
        }
    }

    #[test]
    fn values_of_password_names_are_covered() {
        for (text, shown) in [
            (
                "rtspsrc location=rtsp://a/b user-pw=secret ! x",
                "rtspsrc location=rtsp://a/b user-pw=*** ! x",
            ),
            (
                "user-id=me user-pw = secret ! x",
                "user-id=me user-pw = *** ! x",
            ),
            ("user-pw=\"a secret\" ! x", "user-pw=*** ! x"),
            ("user-pw = 'a secret' ! x", "user-pw = *** ! x"),
            ("proxy-pw=\"a\\\" secret\" ! x", "proxy-pw=*** ! x"),
            ("user-pw=\"never closed", "user-pw=***"),
            ("user-pw=(string)\"a secret\" ! x", "user-pw=*** ! x"),
            (
                "rtsp://h:554/user=admin_password=secret_channel=1.sdp",
                "rtsp://h:554/user=admin_password=***",
            ),
            ("rtsp://h/usr=me&PWD=secret/1", "rtsp://h/usr=me&PWD=***"),
            ("srtsrc passphrase=secret", "srtsrc passphrase=***"),
            (
                "extra-headers=\"h,Authorization=(string)\\\"Basic secret\\\"\" ! x",
                "extra-headers=\"h,Authorization=***\" ! x",
            ),
            ("cookies=\"<secret>\" ! x", "cookies=*** ! x"),
            ("password=", "password=***"),
            ("a=b, width = 640", "a=b, width = 640"),
        ] {
            assert_eq!(masked(text), shown);
        }
    }

    #[test]
    fn a_login_in_what_is_no_url_is_covered() {
        for (text, shown) in [
            ("rtsp:me:secret@camera/a", "rtsp:***@camera/a"),
            ("http:/me:se@cret@camera", "http:***@camera"),
            ("me:secret@camera", "me:***@camera"),
            ("secret@camera", "***@camera"),
            ("rtsp:camera", "rtsp:camera"),
        ] {
            assert_eq!(masked_login(text), shown);
        }
    }
}
