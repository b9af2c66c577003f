//! Where a subcommand prints, and how: data on standard output, progress on standard error.

use std::io::{self, ErrorKind, IsTerminal, Write};

use anstyle::Style;
use clap::{ColorChoice, ValueEnum};
use serde::Serialize;
use tracing_subscriber::EnvFilter;

/// How data is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// For people.
    Text,
    /// For programs: one JSON document.
    Json,
}

/// What every subcommand is given beside its own options.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Context {
    /// How data is to be printed.
    pub(crate) format: Format,
    color: ColorChoice,
}

impl Context {
    pub(crate) const fn new(format: Format, color: ColorChoice) -> Self {
        Self { format, color }
    }

    /// Prints data on standard output, to which it adds nothing.
    ///
    /// # Errors
    ///
    /// Where standard output cannot be written. A reader that has seen enough and closed the pipe
    /// is no error.
    pub(crate) fn print(&self, text: &str) -> io::Result<()> {
        let mut out = io::stdout().lock();
        match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
            Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
            outcome => outcome,
        }
    }

    /// Prints one JSON document on standard output.
    ///
    /// # Errors
    ///
    /// As [`print`](Self::print), and where the value cannot be written as JSON.
    pub(crate) fn print_json(&self, value: &impl Serialize) -> anyhow::Result<()> {
        let mut text = serde_json::to_string_pretty(value)?;
        text.push('\n');
        Ok(self.print(&text)?)
    }

    /// Tells the user something on standard error: progress, or the line that ends in a newline.
    pub(crate) fn tell(&self, line: &str) {
        // Whoever closed standard error does not want to be told.
        let _ = writeln!(io::stderr().lock(), "{line}");
    }

    /// `text` in `style`, if standard output shows colours.
    pub(crate) fn paint(&self, style: Style, text: &str) -> String {
        painted(self.colors(&io::stdout()), style, text)
    }

    /// `text` in `style`, if standard error shows colours.
    pub(crate) fn paint_told(&self, style: Style, text: &str) -> String {
        painted(self.colors(&io::stderr()), style, text)
    }

    /// Sends the log, by default warnings, to standard error; `ROAMPROOF_LOG` filters it.
    pub(crate) fn start_log(&self) {
        let filter =
            EnvFilter::try_from_env("ROAMPROOF_LOG").unwrap_or_else(|_| EnvFilter::new("warn"));
        tracing_subscriber::fmt()
            .with_env_filter(filter)
            .with_writer(io::stderr)
            .with_ansi(self.colors(&io::stderr()))
            .without_time()
            .init();
    }

    /// Whether standard output shows colours.
    pub(crate) fn shows_colours(&self) -> bool {
        self.colors(&io::stdout())
    }

    fn colors(&self, stream: &impl IsTerminal) -> bool {
        let unwanted = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty())
            || std::env::var_os("TERM").is_some_and(|value| value == "dumb");
        match self.color {
            ColorChoice::Always => true,
            ColorChoice::Never => false,
            ColorChoice::Auto => !unwanted && stream.is_terminal(),
        }
    }
}

fn painted(colors: bool, style: Style, text: &str) -> String {
    if colors { format!("{style}{text}{style:#}") } else { text.to_owned() }
}

#[cfg(test)]
mod tests {
    use std::fs::File;

    use anstyle::AnsiColor;
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::always(ColorChoice::Always, "\u{1b}[31mFAIL\u{1b}[0m")]
    #[case::never(ColorChoice::Never, "FAIL")]
    #[case::a_file_is_no_terminal(ColorChoice::Auto, "FAIL")]
    fn colours_are_used_where_they_are_wanted(#[case] color: ColorChoice, #[case] expected: &str) {
        let file = File::open(env!("CARGO_MANIFEST_PATH")).unwrap();
        let context = Context::new(Format::Text, color);
        let red = AnsiColor::Red.on_default();
        assert_eq!(painted(context.colors(&file), red, "FAIL"), expected);
    }
}
