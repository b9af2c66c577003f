//! `decode`: octets or a capture, told field by field.

/// Print what octets or a capture say, as far as they can be read.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// A capture file, `-` for standard input, or octets in hexadecimal.
    #[arg(value_name = "FILE|-|HEX")]
    pub(crate) input: String,

    /// What the octets are, where they do not say so themselves.
    #[arg(long = "as", value_name = "KIND")]
    pub(crate) kind: Option<String>,
}
