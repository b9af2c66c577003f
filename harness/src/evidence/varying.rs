//! The parts of SIP and SDP text that vary from run to run, cut out of the parts that do not.

/// A part of a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Piece<'a> {
    /// The same in every run.
    Fixed(&'a str),
    /// A value of a class of values that vary.
    Varying(String, &'a str),
}

/// Cuts the value of the header field or SDP line called `name`.
pub(super) fn pieces<'a>(name: &str, value: &'a str) -> Vec<Piece<'a>> {
    let name = name.to_ascii_lowercase();
    match name.as_str() {
        "call-id" | "i" => vec![Piece::Varying("Call-ID".to_owned(), value)],
        "cseq" => first_word(value, "CSeq number"),
        "rack" => vec![Piece::Varying("RAck".to_owned(), value)],
        "content-length" | "l" | "date" | "timestamp" => Vec::new(),
        "o" => origin(value),
        "m" => media(value),
        _ => parameters(value),
    }
}

fn first_word<'a>(value: &'a str, class: &str) -> Vec<Piece<'a>> {
    let end = value.find(' ').unwrap_or(value.len());
    vec![Piece::Varying(class.to_owned(), &value[..end]), Piece::Fixed(&value[end..])]
}

/// The line `o=`: user name, session identifier, version, then what stays.
fn origin(value: &str) -> Vec<Piece<'_>> {
    let mut words = value.splitn(4, ' ');
    let (Some(user), Some(identifier), Some(version), Some(rest)) =
        (words.next(), words.next(), words.next(), words.next())
    else {
        return vec![Piece::Fixed(value)];
    };
    vec![
        Piece::Fixed(user),
        Piece::Varying("session identifier".to_owned(), identifier),
        Piece::Varying("session version".to_owned(), version),
        Piece::Fixed(rest),
    ]
}

/// The line `m=`: kind, port, then what stays.
fn media(value: &str) -> Vec<Piece<'_>> {
    let mut words = value.splitn(3, ' ');
    let (Some(kind), Some(port), Some(rest)) = (words.next(), words.next(), words.next()) else {
        return vec![Piece::Fixed(value)];
    };
    vec![Piece::Fixed(kind), Piece::Varying("media port".to_owned(), port), Piece::Fixed(rest)]
}

/// Values of the parameters that vary, and ports behind addresses in brackets, wherever they stand.
fn parameters(value: &str) -> Vec<Piece<'_>> {
    let mut pieces = Vec::new();
    let (mut fixed, mut at) = (0, 0);
    while at < value.len() {
        let rest = &value[at..];
        let found = PARAMETERS
            .iter()
            .find(|(key, _)| starts_with_ignoring_case(rest, key))
            .map(|(key, class)| (at + key.len(), (*class).to_owned()))
            .or_else(|| port_behind(value, at));
        let Some((start, class)) = found else {
            at += rest.chars().next().map_or(1, char::len_utf8);
            continue;
        };
        let end = value[start..].find(|c: char| !is_of_value(c)).map_or(value.len(), |n| start + n);
        pieces.push(Piece::Fixed(&value[fixed..start]));
        pieces.push(Piece::Varying(class, &value[start..end]));
        (fixed, at) = (end, end.max(start + 1).min(value.len()));
    }
    pieces.push(Piece::Fixed(&value[fixed..]));
    pieces
}

/// Where `]:` stands at `at`: the port behind an IPv6 address, whose class is named by that address.
fn port_behind(value: &str, at: usize) -> Option<(usize, String)> {
    value[at..].strip_prefix("]:")?;
    let opened = value[..at].rfind('[')?;
    Some((at + 2, format!("port {}", &value[opened + 1..at])))
}

fn starts_with_ignoring_case(text: &str, key: &str) -> bool {
    text.get(..key.len()).is_some_and(|start| start.eq_ignore_ascii_case(key))
}

fn is_of_value(character: char) -> bool {
    character.is_ascii_alphanumeric() || "-.!%*_+`'~@/=".contains(character)
}

/// Parameters whose values vary, as they begin, and their classes.
const PARAMETERS: [(&str, &str); 10] = [
    (";branch=", "branch"),
    (";tag=", "tag"),
    (";rport=", "rport"),
    (";ob-tag=", "tag"),
    ("cnonce=\"", "digest cnonce"),
    ("nonce=\"", "digest nonce"),
    ("response=\"", "digest response"),
    ("opaque=\"", "digest opaque"),
    ("nc=", "digest count"),
    (";+sip.instance=\"", "instance"),
];

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case::via(
        "Via",
        "SIP/2.0/UDP [2001:db8:c::c]:5062;branch=z9hG4bKa7;rport",
        "SIP/2.0/UDP [2001:db8:c::c]:<port 2001:db8:c::c>;branch=<branch>;rport"
    )]
    #[case::from("From", "<sip:cn@example.com>;tag=x1", "<sip:cn@example.com>;tag=<tag>")]
    #[case::call_id("Call-ID", "9@host", "<Call-ID>")]
    #[case::cseq("CSeq", "7 INVITE", "<CSeq number> INVITE")]
    #[case::contact(
        "Contact",
        "<sip:mt@[2001:db8:a::100]:5060>;expires=3600",
        "<sip:mt@[2001:db8:a::100]:<port 2001:db8:a::100>>;expires=3600"
    )]
    #[case::digest(
        "Authorization",
        "Digest nonce=\"a\", cnonce=\"b\", nc=00000001, response=\"c\", realm=\"r\"",
        "Digest nonce=\"<digest nonce>\", cnonce=\"<digest cnonce>\", nc=<digest count>, response=\"<digest response>\", realm=\"r\""
    )]
    #[case::length("Content-Length", "142", "")]
    #[case::origin(
        "o",
        "cn 123 124 IN IP6 2001:db8:c::c",
        "cn<session identifier><session version>IN IP6 2001:db8:c::c"
    )]
    #[case::media("m", "audio 49170 RTP/AVP 0", "audio<media port>RTP/AVP 0")]
    #[case::other("other", "X-A: <sip:a@b>;tag=9", "X-A: <sip:a@b>;tag=<tag>")]
    #[case::none("Subject", "hé [", "hé [")]
    #[case::empty_value("From", "a;tag=", "a;tag=<tag>")]
    fn what_varies_is_cut_out(#[case] name: &str, #[case] value: &str, #[case] shown: &str) {
        let text: String = pieces(name, value)
            .iter()
            .map(|piece| match piece {
                Piece::Fixed(text) => (*text).to_owned(),
                Piece::Varying(class, _) => format!("<{class}>"),
            })
            .collect();
        assert_eq!(text, shown);
    }
}
