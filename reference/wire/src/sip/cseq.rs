//! CSeq: which request of a dialog, and its method (RFC 3261 20.16).

use std::fmt;

use super::start_line::Method;
use super::text::{Cursor, decimal};
use crate::WireError;

/// The order of a request among those of its dialog.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CSeq {
    /// Below 2^31.
    pub number: u32,
    /// The method of the request.
    pub method: Method,
}

impl CSeq {
    /// Reads the field value `value`.
    ///
    /// # Errors
    ///
    /// Where it is not a number below 2^31 and a method.
    pub fn parse(value: &[u8]) -> Result<Self, WireError> {
        let mut cursor = Cursor::new("CSeq", value);
        cursor.skip_space();
        let at = cursor;
        let number = decimal(cursor.take_while(|octet| octet.is_ascii_digit()))
            .filter(|&number| number < NUMBER_END)
            .ok_or_else(|| at.error("a number below 2^31"))?;
        let at = cursor;
        cursor.skip_space();
        if at.position() == cursor.position() {
            return Err(at.error("white space"));
        }
        let method = Method::from_token(cursor.token("a method")?);
        cursor.skip_space();
        cursor.end("the end")?;
        Ok(Self { number, method })
    }
}

impl fmt::Display for CSeq {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.number, self.method)
    }
}

const NUMBER_END: u32 = 1 << 31;

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case("4711 INVITE", 4711, Method::Invite)]
    #[case("0009\r\n   INVITE", 9, Method::Invite)]
    #[case("2147483647 invite", 2_147_483_647, Method::Other("invite".to_owned()))]
    fn it_is_a_number_and_a_method(
        #[case] value: &str,
        #[case] number: u32,
        #[case] method: Method,
    ) {
        assert_eq!(CSeq::parse(value.as_bytes()), Ok(CSeq { number, method }));
    }

    #[rstest]
    #[case::too_large("2147483648 INVITE", 0, "a number below 2^31")]
    #[case::larger("36893488147419103232 REGISTER", 0, "a number below 2^31")]
    #[case::negative("-1 INVITE", 0, "a number below 2^31")]
    #[case::no_space("17INVITE", 2, "white space")]
    #[case::no_method("17 ", 3, "a method")]
    #[case::more("17 INVITE 18", 10, "the end")]
    fn what_is_none_is_refused(
        #[case] value: &str,
        #[case] offset: usize,
        #[case] expected: &'static str,
    ) {
        assert_eq!(
            CSeq::parse(value.as_bytes()),
            Err(WireError::grammar("CSeq", offset, expected))
        );
    }
}
