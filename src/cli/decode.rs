//! `decode`: octets or a capture, told field by field.

use std::io;

use roamproof_harness::ExitCode;
use roamproof_harness::evidence::decode::decode;
use roamproof_harness::evidence::fields::OctetsKind;

use super::{Context, Format, Refusal};

/// Print what octets or a capture say, as far as they can be read.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// A capture file, `-` for standard input, or octets in hexadecimal.
    #[arg(value_name = "FILE|-|HEX")]
    input: String,

    /// What the octets are, where they do not say so themselves: ethernet, ipv6, mobility, sip, sdp or rtp.
    #[arg(long = "as", value_name = "KIND")]
    kind: Option<String>,

    /// Also one line per layer, with every field.
    #[arg(long, short)]
    verbose: bool,
}

pub(crate) fn run(args: Args, context: &Context) -> anyhow::Result<ExitCode> {
    let kind = args.kind.as_deref().map(kind).transpose()?;
    let decoded = decode(&args.input, kind, io::stdin().lock()).map_err(refused)?;
    match context.format {
        Format::Json => context.print_json(&decoded)?,
        Format::Text => context.print(&decoded.text(args.verbose))?,
    }
    let (unreadable, packets) = (decoded.unreadable(), decoded.packets.len());
    if unreadable > 0 {
        context.tell(&format!("{unreadable} of {packets} packets are not what they should be"));
        return Ok(ExitCode::Failed);
    }
    Ok(ExitCode::Success)
}

fn kind(name: &str) -> Result<OctetsKind, Refusal> {
    OctetsKind::from_name(name).ok_or_else(|| {
        let names: Vec<&str> = OctetsKind::ALL.iter().map(|kind| kind.name()).collect();
        Refusal::usage(
            format!("no kind of octets is called `{name}`"),
            format!("say --as {}", names.join("|")),
        )
    })
}

fn refused(error: roamproof_harness::evidence::decode::DecodeError) -> Refusal {
    Refusal::usage(error.what(), error.advice())
}
